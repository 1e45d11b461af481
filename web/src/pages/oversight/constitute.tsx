import { Button, Checkbox, NumberInput, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { constitute, type Candidate, type Oversight } from '../../api/oversight.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Section } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { useToasts } from '../../components/toast.tsx'
import { dayAfter } from '../agreements/draft.tsx'
import classes from './oversight.module.css'

/** Names the first commission, or proposes another one to the one that stands. */
export function Constitute({ oversight }: { oversight: Oversight }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const standing = oversight.commission?.document
  const [name, setName] = useState(standing?.name ?? '')
  const [members, setMembers] = useState<string[]>(oversight.candidates.filter((one) => one.is_member).map((one) => one.id))
  const [threshold, setThreshold] = useState(standing?.threshold ?? 2)
  const [last, setLast] = useState('')
  const send = useMutation({
    mutationFn: () => constitute({ name: name.trim(), threshold, members, until: dayAfter(last) }),
    onSuccess: (now) => {
      client.setQueryData(['oversight'], now)
      say(t(standing ? 'oversight.done.proposed' : 'oversight.done.constituted'))
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  const toggle = (id: string) => setMembers((held) => (held.includes(id) ? held.filter((one) => one !== id) : [...held, id]))
  return (
    <Section id="constitute" title={t(standing ? 'oversight.propose' : 'oversight.constitute')}>
      <p className={classes.hint}>{t(standing ? 'oversight.proposeHint' : 'oversight.constituteHint')}</p>
      <form className={classes.form} onSubmit={submit}>
        <TextInput label={t('oversight.commissionName')} required withAsterisk={false} maxLength={130} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <fieldset className={classes.choices}>
          <legend>{t('oversight.members')}</legend>
          {oversight.candidates.length === 0 && <p className={classes.hint}>{t('oversight.noCandidates')}</p>}
          {oversight.candidates.map((one) => <Checkbox key={one.id} label={one.name} description={passkeysOf(one, t)} disabled={one.passkeys === 0} checked={members.includes(one.id)} onChange={() => toggle(one.id)} />)}
        </fieldset>
        <div className={classes.pair}>
          <NumberInput label={t('oversight.threshold')} description={t('oversight.thresholdHint')} min={2} max={Math.max(2, members.length)} clampBehavior="none" allowDecimal={false} value={threshold} onChange={(value) => setThreshold(Number(value))} />
          <TextInput type="date" label={t('oversight.lastDay')} description={t('oversight.lastDayHint')} required withAsterisk={false} value={last} onChange={(event) => setLast(event.currentTarget.value)} />
        </div>
        {send.error && !needsProof(send.error) && <ErrorNote error={send.error} />}
        <div className={classes.acts}><Button type="submit" loading={send.isPending} disabled={members.length < 2 || threshold < 2 || threshold > members.length || name.trim() === '' || last === ''}>{t(standing ? 'oversight.proposeAct' : 'oversight.constituteAct', { count: members.length, threshold })}</Button></div>
      </form>
      <Prove opened={needsProof(send.error)} onClose={send.reset} onProved={() => send.mutate()} />
    </Section>
  )
}

function passkeysOf(one: Candidate, t: (key: string, options: { count: number }) => string): string {
  if (one.passkeys > 0) return t('oversight.passkeysOf', { count: one.passkeys })
  return one.passkeys_of_other_kinds > 0 ? t('oversight.passkeysOther', { count: one.passkeys_of_other_kinds }) : t('oversight.passkeysNone', { count: 0 })
}
