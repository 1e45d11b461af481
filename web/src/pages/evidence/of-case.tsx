import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useEvidenceOf } from '../../api/evidence.ts'
import { useMay } from '../../api/session.ts'
import { Section } from '../../components/page.tsx'
import classes from './evidence.module.css'
import { Mark } from './mark.tsx'
import { itemTone } from './words.ts'

/** How many a case shows before it sends to the page of them all. */
const SHOWN = 5

/** The evidence of a case, beside its timeline. */
export function CaseEvidence({ id }: { id: string }) {
  const { t } = useTranslation()
  const maySee = useMay('see-evidence')
  const listed = useEvidenceOf(id, maySee)
  if (!maySee || listed.error) return null
  const items = listed.data?.pages.flatMap((page) => page.items) ?? []
  const page = `/cases/${encodeURIComponent(id)}/evidence`
  return (
    <Section id="evidence" title={t('evidence.evidence')} aside={`${items.length}${listed.hasNextPage ? '+' : ''}`}>
      {items.length === 0 && <p className="quiet">{t('evidence.noneShort')}</p>}
      <ul className={classes.list}>
        {items.slice(0, SHOWN).map((item) => (
          <li key={item.id} className={classes.item}>
            <Link className="text-link" to={`${page}/${item.id}`}>{item.name}</Link>
            <span className={classes.head}><Mark tone={itemTone(item)} word={t(`evidence.states.${item.state}`)} /><span className="quiet">{t(`evidence.kinds.${item.kind}`, { defaultValue: item.kind })}</span></span>
          </li>
        ))}
      </ul>
      <p className="screen-only"><Link className="text-link" to={page}>{t('evidence.open')}</Link></p>
    </Section>
  )
}
