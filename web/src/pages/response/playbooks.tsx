import { Button, FileButton, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useSearchParams } from 'react-router'

import { addPlaybook, usePlaybooks, type PlaybookAdded, type PlaybookSummary } from '../../api/response.ts'
import { useMay } from '../../api/session.ts'
import { Count } from '../../components/count.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import { Findings } from './findings.tsx'
import { Mark } from './mark.tsx'
import classes from './response.module.css'
import { kindsOf, matches, signatureOf } from './standing.ts'
import { useSaid } from './words.ts'

const SIGNATURES = ['library', 'signed', 'unsigned'] as const

/** What may be carried out: found by words, by the kind of incident, and by who answers for it. */
export function Playbooks() {
  const { t } = useTranslation()
  const mayAdd = useMay('run-playbooks')
  const playbooks = usePlaybooks()
  const [parameters, setParameters] = useSearchParams()
  const [adding, setAdding] = useState(false)
  const given = (name: string) => parameters.get(name) ?? ''
  const change = (name: string, value: string) => setParameters((held) => {
    const next = new URLSearchParams(held)
    if (value === '') next.delete(name)
    else next.set(name, value)
    return next
  }, { replace: true })
  if (playbooks.error) return <ErrorNote error={playbooks.error} retry={() => void playbooks.refetch()} />
  if (!playbooks.data) return <Waiting lines={8} />
  const all = playbooks.data.playbooks
  const kinds = [...new Set(all.flatMap(kindsOf))].toSorted()
  const shown = all.filter((one) => matches(one, given('q')) && (given('kind') === '' || kindsOf(one).includes(given('kind'))) && (given('signed') === '' || signatureOf(one) === given('signed')))
  return (
    <>
      <div className={classes.bar}>
        <TextInput className={classes.search ?? ''} size="xs" type="search" aria-label={t('response.searchPlaybooks')} placeholder={t('response.searchPlaybooks')} value={given('q')} onChange={(event) => change('q', event.currentTarget.value)} />
        <Select size="xs" clearable aria-label={t('response.kind')} placeholder={t('response.anyKind')} value={given('kind') || null} onChange={(value) => change('kind', value ?? '')} data={kinds.map((kind) => ({ value: kind, label: t(`response.incidents.${kind}`, { defaultValue: kind }) }))} />
        <Select size="xs" clearable aria-label={t('response.signature')} placeholder={t('response.anySignature')} value={given('signed') || null} onChange={(value) => change('signed', value ?? '')} data={SIGNATURES.map((one) => ({ value: one, label: t(`response.signatures.${one}`) }))} />
        <Count count={shown.length} updated={playbooks.dataUpdatedAt} />
        {mayAdd && <Button size="xs" variant="default" onClick={() => setAdding(true)}>{t('response.add')}</Button>}
      </div>
      {all.length === 0 ? <Empty title={t('response.noPlaybooks')}>{t('response.noPlaybooksHint')}</Empty>
        : shown.length === 0 ? <Empty title={t('response.noneFound')} action={<Button size="xs" variant="default" onClick={() => setParameters({})}>{t('response.clear')}</Button>}>{t('response.noneFoundHint')}</Empty>
        : <ul className={classes.list}>{shown.map((one) => <li key={one.id}><Row one={one} /></li>)}</ul>}
      {adding && <Add onClose={() => setAdding(false)} />}
    </>
  )
}

function Row({ one }: { one: PlaybookSummary }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const said = useSaid()
  const [parameters] = useSearchParams()
  const signature = signatureOf(one)
  const to = { pathname: `/response/playbooks/${one.id}`, search: parameters.has('case') ? `?case=${encodeURIComponent(parameters.get('case') ?? '')}` : '' }
  return (
    <article className={classes.playbook}>
      <div className={classes.head}>
        <h2><Link className="text-link" to={to}>{said(one.name)}</Link></h2>
        {kindsOf(one).map((kind) => <span key={kind} className={classes.tag}>{t(`response.incidents.${kind}`, { defaultValue: kind })}</span>)}
        <span className={classes.marks}>
          {!one.runnable && <Mark tone="bad" word={t(one.revoked ? 'response.revoked' : 'response.cannotRun')} />}
          <Mark tone={signature === 'unsigned' ? 'warn' : 'plain'} word={t(`response.signatures.${signature}`)} />
          {one.errors > 0 && <Mark tone="bad" word={t('response.errors', { count: one.errors })} />}
          {one.warnings > 0 && <span className="quiet">{t('response.warnings', { count: one.warnings })}</span>}
          {one.organisation_name != null && <span className="quiet">{inLanguage(one.organisation_name, language)}</span>}
          <span className="quiet"><Ago at={one.modified} /></span>
        </span>
      </div>
      {one.description != null && <p className={classes.text}>{said(one.description)}</p>}
    </article>
  )
}

/** Brings a document as it is, and tells what is to be said of it. */
function Add({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const said = useSaid()
  const add = useMutation({
    mutationFn: async (file: File): Promise<PlaybookAdded> => addPlaybook(await file.text()),
    onSuccess: () => client.invalidateQueries({ queryKey: ['playbooks'] }),
  })
  if (needsProof(add.error)) return <Prove opened onClose={add.reset} onProved={() => add.variables && add.mutate(add.variables)} />
  return (
    <Dialog opened onClose={onClose} title={t('response.add')} size="lg">
      <div className={classes.form}>
        <p>{t('response.addHint')}</p>
        <FileButton accept="application/json,.json" onChange={(file) => file && add.mutate(file)}>
          {(props) => <Button {...props} variant="default" loading={add.isPending} data-autofocus>{t('response.chooseFile')}</Button>}
        </FileButton>
        {add.error && <ErrorNote error={add.error} />}
        {add.data && (
          <>
            <p role="status"><Link className="text-link" to={`/response/playbooks/${add.data.playbook.id}`}>{said(add.data.playbook.name)}</Link> — {t(add.data.already ? 'response.already' : 'response.added')}</p>
            <Findings findings={add.data.findings} />
          </>
        )}
      </div>
    </Dialog>
  )
}
