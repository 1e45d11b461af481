import { Button, SegmentedControl, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { keepOwnMail, useOwnMail, type OwnMail } from '../../api/room.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { useToasts } from '../../components/toast.tsx'
import { useLanguage } from '../../i18n.ts'
import classes from './account.module.css'

/** Where entries of case rooms reach one by mail, where others send them. */
export function Mail() {
  const { t } = useTranslation()
  const own = useOwnMail()
  if (own.error) return <ErrorNote error={own.error} />
  if (!own.data) return null
  if (own.data.domains.length === 0) return <p className="quiet">{t('account.mail.none')}</p>
  return <Form key={own.data.address ?? ''} own={own.data} />
}

function Form({ own }: { own: OwnMail }) {
  const { t } = useTranslation()
  const shown = useLanguage()
  const client = useQueryClient()
  const { say } = useToasts()
  const [address, setAddress] = useState(own.address ?? '')
  const [language, setLanguage] = useState<string>(own.language ?? shown)
  const keep = useMutation({
    mutationFn: (to: string | null) => keepOwnMail(to === null ? null : { address: to, language }),
    onSuccess: (_, to) => {
      say(t(to === null ? 'account.mail.removed' : 'account.mail.kept'))
      return client.invalidateQueries({ queryKey: ['own-mail'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    keep.mutate(address)
  }
  return (
    <form onSubmit={submit} className={classes.narrow} style={{ display: 'grid', gap: 12 }}>
      <TextInput type="email" required maxLength={254} label={t('account.mail.address')} description={t('account.mail.why', { domains: own.domains.join(t('room.comma')) })} value={address} onChange={(event) => setAddress(event.currentTarget.value)} />
      <SegmentedControl aria-label={t('palette.language')} value={language} onChange={setLanguage} data={[{ value: 'ja', label: '日本語' }, { value: 'en', label: 'English' }]} />
      {keep.error && !needsProof(keep.error) && <ErrorNote error={keep.error} />}
      <Prove opened={needsProof(keep.error)} onClose={keep.reset} onProved={() => keep.mutate(address)} />
      <Button type="submit" variant="default" loading={keep.isPending}>{t('account.mail.keep')}</Button>
      {own.address != null && <Button variant="subtle" color="gray" onClick={() => keep.mutate(null)}>{t('account.mail.remove')}</Button>}
    </form>
  )
}
