import { Button, Select, TextInput, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { useOrganisations, usePeers } from '../../api/queries.ts'
import { nameOf, useSession } from '../../api/session.ts'
import type { NewPeer, Peer, PeerCard, PeerWay } from '../../api/types.ts'
import { Dialog } from '../../components/dialog.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Ago } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './administration.module.css'

/** Other hubs: how the links are, what went where, what was kept out. */
export function Peers() {
  const { t } = useTranslation()
  const { may } = useSession()
  const peers = usePeers()
  const [open, setOpen] = useState<'add' | 'card' | null>(null)
  const [suspending, setSuspending] = useState<Peer | null>(null)
  const [resending, setResending] = useState<Peer | null>(null)
  if (peers.error) return <ErrorNote error={peers.error} retry={() => void peers.refetch()} />
  if (!peers.data) return <Waiting />
  const { own, strangers } = peers.data
  const administers = may.includes('administer')
  return (
    <>
      <div className={classes.bar}>
        <span>{t('peers.own', { fingerprint: short(own.fingerprint), address: own.address ?? t(own.one_way ? 'peers.givesOnly' : 'peers.opensItself') })}</span>
        {administers && (
          <span>
            <Button size="xs" variant="default" mr={8} onClick={() => setOpen('card')}>{t('peers.card')}</Button>
            <Button size="xs" onClick={() => setOpen('add')}>{t('peers.add')}</Button>
          </span>
        )}
      </div>
      {peers.data.peers.length === 0 && <Empty title={t('peers.none')}>{t('peers.noneHint')}</Empty>}
      {peers.data.peers.length > 0 && <List peers={peers.data.peers} administers={administers} onSuspend={setSuspending} onResend={setResending} />}
      {strangers.length > 0 && (
        <>
          <h2>{t('peers.strangers')}</h2>
          <p>{t('peers.strangersHint')}</p>
          <ul>{strangers.map((one) => <li key={one.fingerprint}><code>{one.fingerprint}</code> × {one.times} · <Ago at={one.at} /></li>)}</ul>
        </>
      )}
      <Dialog opened={open === 'add'} onClose={() => setOpen(null)} title={t('peers.add')}><Form onDone={() => setOpen(null)} /></Dialog>
      <Dialog opened={open === 'card'} onClose={() => setOpen(null)} title={t('peers.card')}>{open === 'card' && <Card />}</Dialog>
      <Dialog opened={suspending !== null} onClose={() => setSuspending(null)} title={t('peers.suspend')}>
        {suspending && <Suspend peer={suspending} onDone={() => setSuspending(null)} />}
      </Dialog>
      <Dialog opened={resending !== null} onClose={() => setResending(null)} title={t('peers.resend')}>
        {resending && <Resend peer={resending} onDone={() => setResending(null)} />}
      </Dialog>
    </>
  )
}

const WAYS: PeerWay[] = ['link', 'outlet', 'inlet']

const short = (fingerprint: string) => (fingerprint.match(/.{1,4}/g) ?? []).slice(0, 8).join(' ')

function useChange(onDone: () => void) {
  const client = useQueryClient()
  const { fail } = useToasts()
  return useMutation({
    mutationFn: ({ id, change }: { id: string; change: { suspended: boolean; reason?: string } }) => call<Peer>('PATCH', `/api/v1/peers/${encodeURIComponent(id)}`, change),
    onSuccess: () => {
      onDone()
      return client.invalidateQueries({ queryKey: ['peers'] })
    },
    onError: fail,
  })
}

function List({ peers, administers, onSuspend, onResend }: { peers: Peer[]; administers: boolean; onSuspend: (peer: Peer) => void; onResend: (peer: Peer) => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const name = useOrganisationName()
  const change = useChange(() => undefined)
  return (
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('administration.peers')}>
      <table className={classes.table}>
        <thead><tr><th>{t('peers.hub')}</th><th>{t('common.organisation')}</th><th>{t('peers.link')}</th><th>{t('peers.came')}</th><th>{t('peers.went')}</th><th>{t('peers.heard')}</th><th><span className="sr-only">{t('administration.action')}</span></th></tr></thead>
        <tbody>
          {peers.map((peer) => (
            <tr key={peer.id}>
              <th scope="row">{(language === 'ja' ? peer.name_ja : peer.name_en) || peer.id}<br />{peer.fingerprint && <code title={peer.fingerprint}>{short(peer.fingerprint)}</code>}</th>
              <td>{name(peer.organisation)}</td>
              <td>{peer.way !== 'link' && `${t(`peers.ways.${peer.way}`)} · `}{t(`peers.${peer.way === 'link' || peer.link === 'suspended' ? 'links' : 'folders'}.${peer.link}`)}{peer.one_way && ` · ${t('peers.givesOnly')}`}<State peer={peer} /><FolderState peer={peer} /></td>
              <td>
                {t('peers.accepted', { count: peer.counts.accepted, text: exact(peer.counts.accepted) })}
                {peer.counts.refused > 0 && <><br />{t('peers.refused', { text: exact(peer.counts.refused) })}</>}
                {peer.counts.conflicts > 0 && <><br /><strong>{t('peers.conflicts', { text: exact(peer.counts.conflicts) })}</strong></>}
                {peer.counts.withdrawn > 0 && <><br />{t('peers.withdrawn', { text: exact(peer.counts.withdrawn) })}</>}
              </td>
              <td>
                {exact(peer.counts.sent)}
                {peer.behind > 0 && peer.way !== 'inlet' && <><br />{t('peers.behind', { text: exact(peer.behind) })}</>}
                {peer.counts.taken_back > 0 && <><br />{t('peers.takenBack', { text: exact(peer.counts.taken_back) })}</>}
              </td>
              <td>{peer.heard ? <Ago at={peer.heard} /> : t('administration.never')}{peer.caught_up && <><br />{t('peers.caughtUp')}</>}</td>
              <td>
                {administers && (peer.link === 'suspended'
                  ? <Button size="compact-xs" variant="default" onClick={() => change.mutate({ id: peer.id, change: { suspended: false } })}>{t('peers.resume')}</Button>
                  : <Button size="compact-xs" variant="default" onClick={() => onSuspend(peer)}>{t('peers.suspend')}</Button>)}
                {administers && peer.way === 'outlet' && (peer.folder?.number ?? 0) > 0 && <Button size="compact-xs" variant="default" ml={6} onClick={() => onResend(peer)}>{t('peers.resend')}</Button>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Why it is as it is. What the other side or the network said is told as it was said. */
function State({ peer }: { peer: Peer }) {
  const { t } = useTranslation()
  const lines = [
    peer.link === 'suspended' ? peer.reason : peer.link === 'up' && peer.way === 'link' ? null : peer.trouble,
    peer.clock_ahead_seconds != null && Math.abs(peer.clock_ahead_seconds) > 60 ? t('peers.clock', { seconds: peer.clock_ahead_seconds }) : null,
  ]
  return lines.map((line) => line && <div key={line}>{line}</div>)
}

/** Where a one-way peer's batches are, and which are missing: there is nobody on the wire to ask. */
function FolderState({ peer }: { peer: Peer }) {
  const { t } = useTranslation()
  const folder = peer.folder
  if (!folder) return null
  const runs = folder.missing.map(({ first, last }) => (first === last ? `${first}` : `${first}–${last}`)).join(', ')
  return (
    <>
      <div><code>{folder.path}</code></div>
      <div>{t('peers.batches', { number: exact(folder.number), files: exact(folder.files) })}</div>
      {peer.way === 'outlet' && <div>{t('peers.series')} <code>{folder.series}</code></div>}
      {folder.full && <div><strong>{t('peers.full')}</strong></div>}
      {runs !== '' && <div><strong>{t('peers.missing', { runs, first: folder.missing[0]?.first })}</strong></div>}
      {folder.quarantined > 0 && <div title={folder.last_quarantined ? `${folder.last_quarantined.name}: ${folder.last_quarantined.why}` : undefined}><strong>{t('peers.quarantined', { text: exact(folder.quarantined) })}</strong></div>}
    </>
  )
}

function Resend({ peer, onDone }: { peer: Peer; onDone: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { fail } = useToasts()
  const [from, setFrom] = useState('')
  const resend = useMutation({
    mutationFn: (number: number) => call<Peer>('POST', `/api/v1/peers/${encodeURIComponent(peer.id)}/resend`, { from: number }),
    onSuccess: () => {
      onDone()
      return client.invalidateQueries({ queryKey: ['peers'] })
    },
    onError: fail,
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    resend.mutate(Number(from))
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <p>{t('peers.resendHint', { name: peer.id })}</p>
      <TextInput label={t('peers.resendFrom')} required withAsterisk={false} type="number" min={1} max={peer.folder?.number} value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
      <Button type="submit" loading={resend.isPending}>{t('peers.resend')}</Button>
    </form>
  )
}

function Card() {
  const { t } = useTranslation()
  const { say, fail } = useToasts()
  const read = useMutation({
    mutationFn: () => call<PeerCard>('GET', '/api/v1/peer-card'),
    onSuccess: ({ card }) => navigator.clipboard.writeText(card).then(() => say(t('peers.copied')), () => undefined),
    onError: fail,
  })
  return (
    <div className={classes.form}>
      <p>{t('peers.cardHint')}</p>
      {read.data && <Textarea aria-label={t('peers.card')} readOnly autosize maxRows={12} value={read.data.card} />}
      <Button loading={read.isPending} onClick={() => read.mutate()}>{t('peers.copyCard')}</Button>
    </div>
  )
}

function Suspend({ peer, onDone }: { peer: Peer; onDone: () => void }) {
  const { t } = useTranslation()
  const [reason, setReason] = useState('')
  const change = useChange(onDone)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change.mutate({ id: peer.id, change: { suspended: true, reason: reason.trim() } })
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <p>{t('peers.suspendHint', { name: peer.id })}</p>
      <TextInput label={t('peers.reason')} required withAsterisk={false} maxLength={500} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
      <Button type="submit" loading={change.isPending}>{t('peers.suspend')}</Button>
    </form>
  )
}

function Form({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const client = useQueryClient()
  const { say } = useToasts()
  const organisations = (useOrganisations().data ?? []).filter((one) => one.role !== 'coordinator' && one.role !== 'oversight')
  const [wanted, setWanted] = useState<NewPeer & { way: PeerWay }>({ way: 'link', card: '', organisation: '' })
  const add = useMutation({
    mutationFn: (peer: NewPeer) => call<Peer>('POST', '/api/v1/peers', peer),
    onSuccess: (peer) => {
      say(peer.way === 'outlet' ? t('peers.addedOutlet', { series: peer.folder?.series }) : t('peers.added', { fingerprint: short(peer.fingerprint) }))
      onDone()
      return client.invalidateQueries({ queryKey: ['peers'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const { way, organisation, card, series, address } = wanted
    add.mutate({ way, organisation, ...(way !== 'outlet' && { card }), ...(way === 'inlet' && { series: series?.trim() }), ...(way === 'link' && address && { address }) })
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <Select label={t('peers.way')} description={t(`peers.wayHints.${wanted.way}`)} allowDeselect={false} value={wanted.way} onChange={(way) => way && setWanted({ ...wanted, way: way as PeerWay })} data={WAYS.map((way) => ({ value: way, label: t(`peers.ways.${way}`) }))} />
      {wanted.way !== 'outlet' && <Textarea label={t('peers.theirCard')} description={t('peers.theirCardHint')} required withAsterisk={false} autosize minRows={4} maxRows={10} value={wanted.card} onChange={(event) => setWanted({ ...wanted, card: event.currentTarget.value })} />}
      {wanted.way === 'inlet' && <TextInput label={t('peers.series')} description={t('peers.seriesHint')} required withAsterisk={false} pattern="[0-9a-f]{32}" value={wanted.series ?? ''} onChange={(event) => setWanted({ ...wanted, series: event.currentTarget.value })} />}
      <Select label={t('common.organisation')} description={t('peers.boundHint')} searchable allowDeselect={false} value={wanted.organisation} onChange={(id) => id && setWanted({ ...wanted, organisation: id })} data={organisations.map((one) => ({ value: one.id, label: nameOf(one, language) }))} />
      {wanted.way === 'link' && <TextInput label={t('peers.address')} description={t('peers.addressHint')} type="url" value={wanted.address ?? ''} onChange={(event) => setWanted({ ...wanted, address: event.currentTarget.value })} />}
      {add.error && <ErrorNote error={add.error} />}
      <Button type="submit" loading={add.isPending} disabled={wanted.organisation === ''}>{t('administration.add')}</Button>
    </form>
  )
}
