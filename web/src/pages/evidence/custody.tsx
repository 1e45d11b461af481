import { useTranslation } from 'react-i18next'

import { useEvidenceRequests, type EvidenceCustody } from '../../api/evidence.ts'
import { Section } from '../../components/page.tsx'
import { Both } from '../../components/time.tsx'
import classes from './evidence.module.css'
import { useSideName } from './words.ts'

/** What the hub says to these is in their names already. */
const SAY_NOTHING = new Set(['received', 'sealed', 'viewed'])

/** Whose hands an item went through: the oldest first, as a court reads it. */
export function Custody({ of, entries }: { of: string; entries: EvidenceCustody[] }) {
  const { t } = useTranslation()
  const party = useSideName(useEvidenceRequests(of).data?.requests ?? [])
  return (
    <Section id="custody" title={t('evidence.custody')} aside={t('evidence.entries', { count: entries.length })}>
      <ol className={classes.list}>
        {entries.map((entry) => (
          <li key={entry.number} className={classes.step}>
            <div><span className={classes.number}>{entry.number}</span> <Both at={entry.at} /></div>
            <div>
              <span className={classes.head}>
                <strong>{t(`evidence.custodyActs.${entry.act}`, { defaultValue: entry.act })}</strong>
                <span>{entry.by == null ? t('evidence.node') : party(entry.by)}</span>
              </span>
              {(entry.from != null || entry.to != null) && <span>{t('evidence.fromTo', { from: entry.from == null ? '–' : party(entry.from), to: entry.to == null ? '–' : party(entry.to) })}</span>}
              {entry.why !== '' && !SAY_NOTHING.has(entry.act) && <span className="prose">{entry.why_code == null ? entry.why : t(`custodyReasons.${entry.why_code}`, { defaultValue: entry.why })}</span>}
              {entry.legal_basis != null && <span className="quiet">{t('evidence.legalBasis')}: {entry.legal_basis}</span>}
              <span className="quiet">{t('evidence.leaf', { leaf: entry.leaf })} <code className={classes.hash} title={entry.hash}>{entry.hash.slice(0, 16)}…</code></span>
            </div>
          </li>
        ))}
      </ol>
    </Section>
  )
}
