import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import type { Json, StixObject } from '../../api/types.ts'
import { Both } from '../../components/time.tsx'
import { defang } from '../../format/value.ts'
import classes from './object.module.css'

/** What is shown in a place of its own, or says nothing to a person. */
const ELSEWHERE = new Set(['type', 'id', 'spec_version', 'name', 'description', 'pattern', 'modified', 'created_by_ref', 'external_references',
  'object_marking_refs', 'granular_markings', 'confidence', 'revoked', 'extensions', 'labels', 'lang', 'valid_until', 'indicator_types', 'malware_types'])

const ID = /^[a-z0-9][a-z0-9-]*--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/u

export function text(value: Json | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

export function list(value: Json | undefined): StixObject[] {
  return Array.isArray(value) ? value.filter((item): item is StixObject => typeof item === 'object' && item !== null && !Array.isArray(item)) : []
}

/** An object's remaining properties, each in words. */
export function Properties({ object }: { object: StixObject }) {
  const { t } = useTranslation()
  const shown = Object.entries(object).filter(([name]) => !ELSEWHERE.has(name))
  if (shown.length === 0) return null
  return (
    <dl className={classes.properties}>
      {shown.map(([name, value]) => (
        <div key={name}>
          <dt title={name}>{t(`properties.${name}`, { defaultValue: name })}</dt>
          <dd><Value value={value} /></dd>
        </div>
      ))}
    </dl>
  )
}

function Value({ value }: { value: Json }) {
  const { t } = useTranslation()
  if (value === null) return <span className="quiet">—</span>
  if (typeof value === 'boolean') return <>{t(value ? 'common.yes' : 'common.no')}</>
  if (typeof value === 'number') return <>{value}</>
  if (typeof value === 'string') return <Text value={value} />
  if (Array.isArray(value)) {
    return value.every((item) => typeof item === 'string' || typeof item === 'number')
      ? <span className={classes.items}>{value.map((item, place) => <span key={place}><Value value={item} /></span>)}</span>
      : <ul className={classes.nested}>{value.map((item, place) => <li key={place}><Value value={item} /></li>)}</ul>
  }
  return (
    <dl className={classes.inner}>
      {Object.entries(value).map(([name, inner]) => (
        <div key={name}><dt>{t(`properties.${name}`, { defaultValue: name })}</dt><dd><Value value={inner} /></dd></div>
      ))}
    </dl>
  )
}

function Text({ value }: { value: string }) {
  const { t } = useTranslation()
  if (ID.test(value)) return <Link className="text-link mono" to={`/intelligence/${value}`}>{value}</Link>
  if (MOMENT.test(value)) return <Both at={value} />
  const shown = defang(value)
  if (shown !== value) return <span className="mono">{shown}</span>
  return <>{t(`words.${value}`, { defaultValue: value })}</>
}
