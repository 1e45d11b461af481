import { Button, SegmentedControl, TextInput, useMantineColorScheme } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { usePasskeys } from '../../api/queries.ts'
import { passkeyObstacle, registerPasskey, useNode, useSession } from '../../api/session.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Page, Section } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Sessions } from '../../components/sessions.tsx'
import { Ago } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { setLanguage, useLanguage } from '../../i18n.ts'
import { ClearancesOf } from '../administration/clearances.tsx'
import classes from './account.module.css'
import { Identities } from './identities.tsx'
import { Mail } from './mail.tsx'
import { PasswordForm } from './password-form.tsx'

/** One's own account: how one signs in, language, light. */
export default function AccountPage() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { person } = useSession()
  const takesPasswords = useNode().data?.passwords ?? true
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const { say, fail } = useToasts()
  return (
    <Page title={person.name} tab={t('places.me')} above={t('places.me')} aside={<span>{person.login} · {person.roles.map((role) => t(`roles.${role}`)).join(' · ')}</span>}>
      <div className={classes.columns}>
        <div>
          <Section id="passkeys" title={t('account.passkeys')}><Passkeys /></Section>
          {takesPasswords && <Section id="password" title={t('credential.password')}>
            <div className={classes.narrow}><PasswordForm login={person.login} onDone={() => say(t('account.passwordSet'))} /></div>
          </Section>}
          <Section id="identities" title={t('provider.own')}><Identities /></Section>
        </div>
        <div>
          <Section id="sessions" title={t('sessions.title')}><Sessions /></Section>
          <Section id="clearances" title={t('administration.clearances')}><ClearancesOf person={person.id} /></Section>
          <Section id="mail" title={t('account.mail.title')}><Mail /></Section>
          <Section id="look" title={t('account.look')}>
            <div className={classes.choices}>
              <span id="language-label">{t('palette.language')}</span>
              <SegmentedControl aria-labelledby="language-label" value={language} onChange={(value) => void setLanguage(value === 'en' ? 'en' : 'ja').catch(fail)} data={[{ value: 'ja', label: '日本語' }, { value: 'en', label: 'English' }]} />
              <span id="scheme-label">{t('palette.scheme')}</span>
              <SegmentedControl aria-labelledby="scheme-label" value={colorScheme} onChange={(value) => setColorScheme(value === 'dark' ? 'dark' : value === 'light' ? 'light' : 'auto')} data={(['light', 'dark', 'auto'] as const).map((scheme) => ({ value: scheme, label: t(`scheme.${scheme}`) }))} />
            </div>
          </Section>
        </div>
      </div>
    </Page>
  )
}

function Passkeys() {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const passkeys = usePasskeys()
  const obstacle = passkeyObstacle()
  const [name, setName] = useState('')
  const refresh = () => client.invalidateQueries({ queryKey: ['passkeys'] })
  const add = useMutation({
    mutationFn: () => registerPasskey(name.trim() === '' ? t('account.thisDevice') : name.trim()),
    onSuccess: () => { setName(''); say(t('account.passkeyAdded')); return refresh() },
  })
  const remove = useMutation({ mutationFn: (id: string) => call<void>('DELETE', `/api/v1/me/passkeys/${encodeURIComponent(id)}`), onSuccess: () => { say(t('account.passkeyRemoved')); return refresh() } })
  const error = add.error instanceof DOMException && add.error.name === 'NotAllowedError' ? remove.error : (add.error ?? remove.error)
  const forget = () => {
    add.reset()
    remove.reset()
  }
  const repeat = () => {
    const removed = remove.variables
    const wasRemoval = needsProof(remove.error) && removed !== undefined
    forget()
    if (wasRemoval) remove.mutate(removed)
    else add.mutate()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate()
  }
  return (
    <>
      {passkeys.error && <ErrorNote error={passkeys.error} />}
      <ul className={classes.list}>
        {passkeys.data?.map((passkey) => (
          <li key={passkey.id}>
            <span>{passkey.name}</span>
            <span className="quiet"><Ago at={passkey.created} /></span>
            <Button size="compact-xs" variant="subtle" color="gray" onClick={() => remove.mutate(passkey.id)}>{t('common.remove')}</Button>
          </li>
        ))}
      </ul>
      {passkeys.data?.length === 0 && <p className="quiet">{t('account.noPasskeys')}</p>}
      {error && !needsProof(error) && <ErrorNote error={error} />}
      <Prove opened={needsProof(error)} onClose={forget} onProved={repeat} />
      {obstacle === null ? (
        <form className={classes.add} onSubmit={submit}>
          <TextInput aria-label={t('account.passkeyName')} placeholder={t('account.passkeyName')} maxLength={100} value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <Button type="submit" variant="default" loading={add.isPending}>{t('account.addPasskey')}</Button>
        </form>
      ) : <p className="quiet">{t(`passkeyObstacle.${obstacle}`)}</p>}
    </>
  )
}
