import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useAgreements, useWhy, type Audience, type Reasons } from '../api/agreements.ts'
import { useOrganisations } from '../api/queries.ts'
import { nameOf, useSession } from '../api/session.ts'
import { useLanguage } from '../i18n.ts'
import { useQualificationName } from './qualification-name.ts'
import classes from './audience.module.css'
import { byReason } from './audience-groups.ts'
import { ErrorNote } from './error-note.tsx'
import { Waiting } from './waiting.tsx'

/** Who can see something, by what, and who cannot. With `object`, each organisation says why when it is asked. */
export function AudienceList({ audience, object }: { audience: Audience; object?: string }) {
  const { t } = useTranslation()
  // Beside a page it stands under the drawer's own heading; in a preview, under that of the objects.
  const Heading = object === undefined ? 'h4' : 'h3'
  const language = useLanguage()
  const { organisation } = useSession()
  const [asked, setAsked] = useState<string | null>(null)
  const all = useOrganisations().data ?? []
  const qualification = useQualificationName()
  const groups = byReason(audience.readers, organisation.id)
  const readers = new Set(audience.readers.map((reader) => reader.organisation))
  const others = all.filter((one) => !readers.has(one.id) && one.id !== organisation.id)
  const count = groups.reduce((sum, group) => sum + group.readers.length, 0)
  const names = (list: { id: string; name: string }[]) => (
    <ul className={classes.names}>
      {list.map(({ id, name }) => (
        <li key={id}>
          {object === undefined ? name : <button type="button" aria-expanded={asked === id} onClick={() => setAsked(asked === id ? null : id)}>{name}</button>}
        </li>
      ))}
    </ul>
  )
  const why = (list: { id: string }[]) => object !== undefined && asked !== null && list.some(({ id }) => id === asked) && <Why object={object} organisation={asked} />
  const denied = others.map((one) => ({ id: one.id, name: nameOf(one, language) }))
  return (
    <div className={classes.audience}>
      {audience.unknown_markings.length > 0 && <p className={classes.nobody}>{t('audienceOf.unknownMarking', { count: audience.unknown_markings.length })} <span className="mono">{audience.unknown_markings.join(' ')}</span></p>}
      {audience.demands !== undefined && audience.demands.length > 0 && <p className={classes.only}>{t('audienceOf.demands', { names: audience.demands.map(qualification).join(language === 'ja' ? '、' : ', ') })}</p>}
      {count === 0 ? <p className={classes.nobody}>{t('audienceOf.nobody')}</p> : (
        <>
          <Heading className={classes.heading}>{t('audienceOf.readers', { count })}</Heading>
          {groups.map((group) => {
            const list = group.readers.map((reader) => ({ id: reader.organisation, name: nameOf(reader, language) }))
            return (
              <div key={group.key} className={classes.group}>
                {names(list)}
                <Because because={group.because} />
                {group.kinds !== null && <p className={classes.only}>{t('audienceOf.only', { kinds: group.kinds.map((kind) => t(`audienceOf.kind.${kind}`)).join(language === 'ja' ? '・' : ', ') })}</p>}
                {why(list)}
              </div>
            )
          })}
        </>
      )}
      {denied.length > 0 && (
        <>
          <Heading className={classes.heading}>{t('audienceOf.others', { count: denied.length })}</Heading>
          <div className={`${classes.group} ${classes.denied}`}>{names(denied)}{why(denied)}</div>
        </>
      )}
    </div>
  )
}

/** What decided, in the words of the policies; and the agreement, where only one gives it. */
export function Because({ because }: { because: Reasons }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const agreements = useAgreements().data?.agreements
  const known = agreements?.find((one) => one.id === because.agreement)
  return (
    <div className={classes.because}>
      {because.agreement != null && (
        <p>
          {known ? <Link className="text-link" to={`/sharing/agreements/${known.id}`}>{language === 'ja' ? known.title_ja : known.title_en}</Link> : <span className="mono">{because.agreement}</span>}
          {because.term != null && ` ${t('audienceOf.term', { number: because.term })}`}
        </p>
      )}
      {because.rules.map((rule) => <p key={rule.id}>{language === 'ja' ? rule.ja : rule.en} <code className="mono quiet">{rule.id}</code></p>)}
      {because.rules.length === 0 && <p>{t('audienceOf.noRule')}</p>}
    </div>
  )
}

function Why({ object, organisation }: { object: string; organisation: string }) {
  const { t } = useTranslation()
  const why = useWhy(object, organisation, true)
  if (why.error) return <ErrorNote error={why.error} />
  if (!why.data) return <Waiting lines={2} />
  return (
    <div className={classes.why} role="status">
      <p><strong>{t(why.data.allowed ? 'audienceOf.may' : 'audienceOf.mayNot')}</strong> <span className="quiet">{t('audienceOf.forPeople')}</span></p>
      <Because because={why.data.because} />
    </div>
  )
}
