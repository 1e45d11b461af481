import type { TFunction } from 'i18next'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import type { ObjectSummary } from '../../api/types.ts'
import { Marking } from '../../components/marking.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Ago } from '../../components/time.tsx'
import { typeWord } from '../../components/type-word.ts'
import { inLanguage } from '../../format/bilingual.ts'
import { defang } from '../../format/value.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './search.module.css'

/** An object as a line: what it is, what it says, from whom, since when. */
export function ObjectRow({ object, active = false }: { object: ObjectSummary; active?: boolean }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const name = useOrganisationName()
  return (
    <Link to={`/intelligence/${object.id}`} data-row className={classes.row} data-active={active || undefined}>
      <span className={classes.kind}>{typeWord(object.object_type, t)}</span>
      <span className={classes.what}>
        <span className={classes.name}>
          <span className={classes.title} title={object.name}>{inLanguage(titleOf(object, name, t), language)}</span>
          {object.revoked && <span className={classes.gone}>{t('object.revoked')}</span>}
        </span>
        <span className={classes.description}>{object.description ?? object.tags.join(' · ')}</span>
      </span>
      <span className={classes.mark}>
        <Marking marking={object.marking} />
        {object.confidence != null && <span className="quiet">{t('object.confidenceShort', { value: object.confidence })}</span>}
      </span>
      <span className={classes.from}>
        <span>{name(object.originator)}</span>
        <span className="quiet"><Ago at={object.date_added} /></span>
      </span>
    </Link>
  )
}

/** What a line calls an object. A sighting has no name: whose it is says more than its identifier. What has none otherwise is called
    by its type and the beginning of its identifier. */
export function titleOf(object: ObjectSummary, name: (id: string) => string, t: TFunction): string {
  if (object.name === object.id && object.object_type !== 'sighting') return `${typeWord(object.object_type, t)} ${object.id.split('--')[1]?.slice(0, 8) ?? ''}…`
  return object.object_type === 'sighting' ? t('object.sightingAt', { name: name(object.originator) }) : defang(object.name)
}
