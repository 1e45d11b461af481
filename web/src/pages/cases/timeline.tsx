import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import type { CaseEntry } from '../../api/types.ts'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Severity } from '../../components/severity.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { date, time } from '../../format/time.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './case.module.css'
import { folded, type Line } from './fold.ts'

/** What happened, newest first. Runs of the same sighting are folded into one line that opens. */
export function Timeline({ entries }: { entries: CaseEntry[] }) {
  const lines = folded(entries).toReversed()
  return (
    <ol className={classes.timeline}>
      {lines.map((line, place) => {
        const day = date(line.last.at, 'JST')
        const before = lines[place - 1]
        return (
          <li key={line.key} data-kind={line.last.kind}>
            {(!before || date(before.last.at, 'JST') !== day) && <p className={classes.day}>{day}</p>}
            <Row line={line} />
          </li>
        )
      })}
    </ol>
  )
}

function Moment({ at }: { at: string }) {
  return (
    <time dateTime={at} className={classes.moment}>
      <span>{time(at, 'JST')} <small>JST</small></span>
      <span className="quiet">{time(at, 'UTC')} <small>UTC</small></span>
    </time>
  )
}

function Row({ line }: { line: Line }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const [open, setOpen] = useState(false)
  const entry = line.last
  const by = entry.by === null ? t('cases.theNode') : (entry.by_name ?? entry.by)
  return (
    <div className={classes.entry}>
      <Moment at={entry.at} />
      <div className={classes.event}>
        <p className={classes.head}>
          <Words entry={entry} count={line.count} />
          <span className="quiet">{entry.kind === 'sighting' && entry.organisation !== null ? name(entry.organisation) : by}</span>
        </p>
        {(entry.kind === 'note' || entry.kind === 'closed') && entry.text !== null && <p className="prose">{entry.text}</p>}
        {line.count > 1 && (
          <button type="button" className={classes.unfold} aria-expanded={open} onClick={() => setOpen(!open)}>
            {t(open ? 'cases.fold' : 'cases.unfold', { first: time(line.entries[0]?.at ?? entry.at, 'JST'), last: time(entry.at, 'JST') })}
          </button>
        )}
        {open && (
          <ul className={classes.folded}>
            {line.entries.toReversed().slice(0, 200).map((one, place) => (
              <li key={`${one.object ?? one.at} ${place}`}>
                {time(one.at, 'JST')} JST {one.object !== null && <Link className="text-link mono" to={`/intelligence/${one.object}`}>{one.object.slice(10, 18)}</Link>}
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  )
}

function Words({ entry, count }: { entry: CaseEntry; count: number }) {
  const { t } = useTranslation()
  const language = useLanguage()
  switch (entry.kind) {
    case 'sighting':
      return (
        <span>
          <strong>{t('cases.kind.sighting')}{count > 1 && ` × ${count}`}</strong>{' '}
          {entry.indicator !== null && <Link className="text-link" to={`/intelligence/${entry.indicator}`}>{entry.indicator_name === null ? t('board.hiddenIndicator') : inLanguage(entry.indicator_name, language)}</Link>}
        </span>
      )
    case 'severity':
      return <span className={classes.change}><strong>{t('cases.kind.severity')}</strong> {entry.from !== null && <Severity level={entry.from} />} → {entry.to !== null && <Severity level={entry.to} />}</span>
    case 'title':
      return <span><strong>{t('cases.kind.title')}</strong> {entry.text}</span>
    case 'opened':
      return <span><strong>{t('cases.kind.opened')}</strong> {entry.text !== null && <span className="quiet">{t('cases.rule', { rule: t(`rules.${entry.text}`, { defaultValue: entry.text }) })}</span>}</span>
    case 'assigned':
      return <span><strong>{entry.object === null || entry.object === '' ? t('cases.unassigned') : t('cases.kind.assigned')}</strong> {entry.text}</span>
    case 'objects':
      return <span><strong>{t('cases.kind.objects')}</strong> {entry.text}{(entry.to ?? 0) > 10 && ' …'}</span>
    default:
      return <strong>{t(`cases.kind.${entry.kind}`, { defaultValue: entry.kind })}</strong>
  }
}
