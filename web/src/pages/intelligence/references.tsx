import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import type { ObjectReferences, ObjectSummary, Reference } from '../../api/types.ts'
import { Marking } from '../../components/marking.tsx'
import { typeWord } from '../../components/type-word.ts'
import { inLanguage } from '../../format/bilingual.ts'
import { defang } from '../../format/value.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './object.module.css'

interface Group {
  relation: string
  outward: boolean
  others: ObjectSummary[]
}

/** References grouped by what they mean. A relationship object stands for the object at its far end. */
export function grouped(references: ObjectReferences): Group[] {
  const groups = new Map<string, Group>()
  const add = (reference: Reference, outward: boolean) => {
    const group = groups.get(`${reference.property} ${outward}`) ?? { relation: reference.property, outward, others: [] }
    const other = reference.far ?? reference.object
    if (!group.others.some((known) => known.id === other.id)) group.others.push(other)
    groups.set(`${reference.property} ${outward}`, group)
  }
  for (const reference of references.refers_to) add(reference, true)
  for (const reference of references.referred_by) add(reference, reference.far != null)
  return [...groups.values()]
}

export function References({ references }: { references: ObjectReferences }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const groups = grouped(references)
  if (groups.length === 0) return <p className="quiet">{t('object.noReferences')}</p>
  return (
    <div className={classes.groups}>
      {groups.map((group) => (
        <section key={`${group.relation} ${group.outward}`}>
          <h3>
            {group.outward ? t(`relations.${group.relation}`, { defaultValue: group.relation }) : t('object.inverse', { relation: t(`relations.${group.relation}`, { defaultValue: group.relation }) })}
            <span className="quiet"> {group.others.length}</span>
          </h3>
          <ul>
            {group.others.map((other) => (
              <li key={other.id}>
                <Link to={`/intelligence/${other.id}`} className={classes.reference}>
                  <span className={classes.kind}>{typeWord(other.object_type, t)}</span>
                  <span className={classes.other}>{inLanguage(defang(other.name), language)}</span>
                  <Marking marking={other.marking} />
                </Link>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  )
}
