import { Button, TextInput } from '@mantine/core'
import { RefreshCw } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { download, exportCase, type EvidenceItem } from '../../api/evidence.ts'
import { Copy } from '../../components/copy.tsx'
import { Act } from './act.tsx'
import classes from './evidence.module.css'
import { newPassword, save } from './file.ts'

const [PASSWORD_MIN, PASSWORD_MAX] = [8, 128]

/** The password of an archive: drawn here, changed if one likes, kept nowhere. */
function PasswordField({ value, onChange }: { value: string; onChange: (password: string) => void }) {
  const { t } = useTranslation()
  return (
    <div className={classes.password}>
      <TextInput label={t('evidence.password')} description={t('evidence.passwordHint')} autoComplete="off" spellCheck={false} minLength={PASSWORD_MIN} maxLength={PASSWORD_MAX} value={value} onChange={(event) => onChange(event.currentTarget.value)} rightSection={<Copy text={value} label={t('evidence.copyPassword')} />} />
      <Button variant="default" leftSection={<RefreshCw size={14} aria-hidden />} onClick={() => onChange(newPassword())}>{t('evidence.anotherPassword')}</Button>
    </div>
  )
}

/** Takes the content of an item out, in an archive that nothing opens by accident. */
export function Download({ item, onClose }: { item: EvidenceItem; onClose: () => void }) {
  const { t } = useTranslation()
  const [password, setPassword] = useState(newPassword)
  const run = async ({ reason }: { reason: string }) => {
    const { name, content } = await download(item.id, { reason, password })
    save(name, content)
  }
  return (
    <Act onClose={onClose} title={t('evidence.download')} act={t('evidence.downloadNow')} said={t('evidence.downloaded')} run={run} complete={password.length >= PASSWORD_MIN}>
      <p>{t('evidence.downloadHint')}</p>
      <PasswordField value={password} onChange={setPassword} />
    </Act>
  )
}

/** Makes the package that a court verifies: of a case, or of some items of it. */
export function Export({ of, items, onClose }: { of: string; items?: string[]; onClose: () => void }) {
  const { t } = useTranslation()
  const [password, setPassword] = useState(newPassword)
  const run = async ({ reason, legalBasis }: { reason: string; legalBasis: string }) => {
    const { name, content } = await exportCase(of, { reason, password, ...(items ? { items } : {}), ...(legalBasis === '' ? {} : { legal_basis: legalBasis }) })
    save(name, content)
  }
  return (
    <Act onClose={onClose} title={t('evidence.export')} act={t('evidence.exportNow')} said={t('evidence.exported')} run={run} basis="may" complete={password.length >= PASSWORD_MIN}>
      <p>{t(items ? 'evidence.exportItemHint' : 'evidence.exportCaseHint')}</p>
      <PasswordField value={password} onChange={setPassword} />
      <p className="quiet">{t('evidence.verifyHint')} <code>yagura log verify --package FILE.zip</code></p>
    </Act>
  )
}
