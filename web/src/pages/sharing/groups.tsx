import { Button, MultiSelect, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { letGo, makeGroup, takeIn, useGroups, type SharingGroup } from '../../api/agreements.ts'
import { useOrganisations } from '../../api/queries.ts'
import { nameOf, useMay, useSession } from '../../api/session.ts'
import { Confirm } from '../../components/confirm.tsx'
import { Copy } from '../../components/copy.tsx'
import { Count } from '../../components/count.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useLanguage } from '../../i18n.ts'
import classes from './sharing.module.css'

/** The groups that we are in: what each means, who is in it, and the marking that limits an object to it. */
export function Groups() {
  const { t } = useTranslation()
  const groups = useGroups()
  const mayMake = useMay('manage-groups')
  const [making, setMaking] = useState(false)
  if (groups.error) return <ErrorNote error={groups.error} retry={() => void groups.refetch()} />
  if (!groups.data) return <Waiting />
  const all = groups.data.groups
  const make = mayMake && <Button size="xs" onClick={() => setMaking(true)}>{t('groups.make')}</Button>
  return (
    <>
      {all.length === 0 ? <Empty title={t('groups.none')} action={make}>{t('groups.noneHint')}</Empty> : (
        <>
          <div className={classes.bar}><Count count={all.length} updated={groups.dataUpdatedAt} />{make}</div>
          <p className="prose">{t('groups.meaning')}</p>
          <ol className={classes.list}>{all.map((group) => <li key={group.id} className={classes.item}><Row group={group} /></li>)}</ol>
        </>
      )}
      {making && <MakeDialog onClose={() => setMaking(false)} />}
    </>
  )
}

function useOptions(but: readonly string[]) {
  const language = useLanguage()
  return (useOrganisations().data ?? []).filter((one) => !but.includes(one.id)).map((one) => ({ value: one.id, label: nameOf(one, language) }))
}

function Row({ group }: { group: SharingGroup }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const name = useOrganisationName()
  const client = useQueryClient()
  const { say, fail } = useToasts()
  const { organisation } = useSession()
  const mayManage = useMay('manage-groups')
  const [leaving, setLeaving] = useState<string | null>(null)
  const options = useOptions(group.members)
  const renew = () => client.invalidateQueries({ queryKey: ['sharing-groups'] })
  const join = useMutation({
    mutationFn: (id: string) => takeIn(group.id, id),
    onSuccess: (_, id) => {
      say(t('groups.joined', { name: name(id) }))
      return renew()
    },
    onError: fail,
  })
  const title = language === 'ja' ? group.name_ja : group.name_en
  const mayRemove = (member: string) => group.may_change || (mayManage && member === organisation.id)
  return (
    <>
      <div className={classes.head}>
        <strong>{title}</strong>
        <span className="quiet">{t('groups.ownedBy', { name: name(group.owner) })}</span>
        <span className="quiet">{t('groups.memberCount', { count: group.members.length })}</span>
      </div>
      <div className={classes.marking}><span className="quiet">{t('groups.marking')}</span> <span className="mono">{group.marking}</span> <Copy text={group.marking} label={t('groups.copyMarking')} /></div>
      {group.members.length === 0 ? <p className={classes.due}>{t('groups.empty')}</p> : (
        <ul className={classes.members} aria-label={t('groups.members')}>
          {group.members.map((member) => (
            <li key={member}>
              {name(member)}
              {mayRemove(member) && <button type="button" aria-label={t('groups.remove', { name: name(member) })} onClick={() => setLeaving(member)}><X size={13} aria-hidden /></button>}
            </li>
          ))}
        </ul>
      )}
      {group.may_change && (
        <Select className={classes.adding ?? ''} size="xs" aria-label={t('groups.takeIn')} placeholder={t('groups.takeIn')} searchable value={null} data={options} disabled={join.isPending} onChange={(id) => id && join.mutate(id)} />
      )}
      <Confirm
        opened={leaving !== null}
        onClose={() => setLeaving(null)}
        title={t('groups.removeTitle', { name: name(leaving ?? ''), group: title })}
        act={t('groups.removeAct')}
        run={() => letGo(group.id, leaving ?? '')}
        onDone={() => { setLeaving(null); void renew() }}
      >
        <p>{t('groups.removeHint')}</p>
      </Confirm>
    </>
  )
}

function MakeDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const { organisation } = useSession()
  const [held, setHeld] = useState({ name_ja: '', name_en: '', members: [] as string[] })
  const options = useOptions([organisation.id])
  const send = useMutation({
    mutationFn: () => makeGroup({ ...held, name_ja: held.name_ja.trim(), name_en: held.name_en.trim() }),
    onSuccess: () => {
      say(t('groups.made'))
      onClose()
      return client.invalidateQueries({ queryKey: ['sharing-groups'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  return (
    <Dialog opened onClose={onClose} title={t('groups.make')}>
      <form className={classes.form} onSubmit={submit}>
        <p className="quiet">{t('groups.meaning')}</p>
        <TextInput data-autofocus label={t('administration.nameJa')} required withAsterisk={false} maxLength={66} value={held.name_ja} onChange={(event) => setHeld({ ...held, name_ja: event.currentTarget.value })} />
        <TextInput label={t('administration.nameEn')} required withAsterisk={false} maxLength={200} value={held.name_en} onChange={(event) => setHeld({ ...held, name_en: event.currentTarget.value })} />
        <MultiSelect label={t('groups.members')} description={t('groups.membersHint')} searchable hidePickedOptions value={held.members} data={options} onChange={(members) => setHeld({ ...held, members })} />
        {send.error && <ErrorNote error={send.error} />}
        <Button type="submit" loading={send.isPending} disabled={held.name_ja.trim() === '' || held.name_en.trim() === ''}>{t('groups.make')}</Button>
      </form>
    </Dialog>
  )
}
