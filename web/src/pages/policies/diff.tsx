import { useTranslation } from 'react-i18next'

import type { PolicyFile } from '../../api/policies.ts'
import { exact } from '../../format/number.ts'
import { changedFiles, nearChanges } from './lines.ts'
import classes from './policies.module.css'

const SIGNS = { kept: ' ', added: '+', removed: '−' } as const
const LOOKS = { kept: classes.line, added: classes.added, removed: classes.removed } as const

/** What changes in the files, line by line; each line says by a sign what becomes of it. */
export function Diff({ before, after }: { before: readonly PolicyFile[]; after: readonly PolicyFile[] }) {
  const { t } = useTranslation()
  const files = changedFiles(before, after)
  if (files.length === 0) return <p className={classes.quiet}>{t('policyChange.noChanges')}</p>
  return files.map((file) => (
    <div key={file.name}>
      <p><code>{file.name}</code> <span className={classes.quiet}>+{exact(file.added)} −{exact(file.removed)}</span></p>
      <pre className={classes.text} tabIndex={0} aria-label={file.name}>
        {nearChanges(file.lines).map((line, at) => (
          line === null
            // Lines have no names, and none moves while it is shown.
            ? <span key={`${at}`} className={classes.line}>⋯</span>
            : <span key={`${at}`} className={LOOKS[line.kind]}>{SIGNS[line.kind]} {line.text}</span>
        ))}
      </pre>
    </div>
  ))
}
