import { useTranslation } from 'react-i18next'

import type { PlaybookFinding } from '../../api/response.ts'
import { Coded } from './coded.tsx'
import { Mark } from './mark.tsx'
import classes from './response.module.css'

const TONES = { error: 'bad', warning: 'warn', note: 'off' } as const
const isKnown = (severity: string): severity is keyof typeof TONES => severity in TONES

/** What is to be said of a playbook, the heaviest first, each with its place and its code. */
export function Findings({ findings }: { findings: PlaybookFinding[] }) {
  const { t, i18n } = useTranslation()
  if (findings.length === 0) return <p className="quiet">{t('response.noFindings')}</p>
  return (
    <ul className={classes.findings}>
      {findings.map((one) => (
        <li key={`${one.code} ${one.at}`}>
          <Mark tone={isKnown(one.severity) ? TONES[one.severity] : 'off'} word={t(`response.severities.${one.severity}`, { defaultValue: one.severity })} />
          <span>{i18n.exists(`playbookFindings.${one.code}`) && <strong>{t(`playbookFindings.${one.code}`)}: </strong>}<Coded table="playbookDetails" text={one.message} known={one.detail} /></span>
          <code className="quiet">{one.at === '' ? '/' : one.at} [{one.code}]</code>
        </li>
      ))}
    </ul>
  )
}
