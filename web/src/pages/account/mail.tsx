import { Button, Input, SegmentedControl, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { keepOwnMail, useOwnMail, type OwnMail } from '../../api/room.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { useToasts } from '../../components/toast.tsx'
import { useLanguage } from '../../i18n.ts'
import classes from './account.module.css'
import { addressFault } from './own-mail.ts'

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
  const [fault, setFault] = useState<ReturnType<typeof addressFault>>(null)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const found = addressFault(address, own.domains)
    setFault(found)
    if (found === null) keep.mutate(address.trim())
  }
  const domains = own.domains.join(t('room.comma'))
  return (
    // What is amiss is said here and in the reader's language, not by the browser in its own.
    <form onSubmit={submit} className={classes.form} noValidate>
      <TextInput
        type="email"
        autoComplete="email"
        required
        withAsterisk={false}
        maxLength={254}
        label={t('account.mail.address')}
        description={t('account.mail.why', { domains })}
        error={fault && t(`account.mail.fault.${fault}`, { domains })}
        value={address}
        onChange={(event) => {
          setAddress(event.currentTarget.value)
          setFault(null)
        }}
      />
      <div>
        <Input.Label labelElement="div" id="mail-language">{t('account.mail.language')}</Input.Label>
        <SegmentedControl fullWidth aria-labelledby="mail-language" value={language} onChange={setLanguage} data={[{ value: 'ja', label: '日本語' }, { value: 'en', label: 'English' }]} />
      </div>
      {keep.error && !needsProof(keep.error) && <ErrorNote error={keep.error} />}
      <Prove opened={needsProof(keep.error)} onClose={keep.reset} onProved={() => keep.mutate(address.trim())} />
      <div className={classes.acts}>
        <Button type="submit" variant="default" loading={keep.isPending}>{t('account.mail.keep')}</Button>
        {own.address != null && <Button variant="subtle" color="gray" onClick={() => keep.mutate(null)}>{t('account.mail.remove')}</Button>}
      </div>
    </form>
  )
}
