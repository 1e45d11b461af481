import { Button, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useSearchParams } from 'react-router'

import { call } from '../../api/client.ts'
import { useSameness, type Decision, type SamenessList } from '../../api/finding.ts'
import { useMay } from '../../api/session.ts'
import type { ObjectSummary } from '../../api/types.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { FindTabs } from '../../components/find-tabs.tsx'
import { Marking } from '../../components/marking.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Page, Section } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { defang } from '../../format/value.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './sameness.module.css'

const FAMILIES = ['actor', 'campaign', 'indicator', 'infrastructure', 'software', 'vulnerability']

/** What may be one and the same: proposed with reasons, decided by a person, undone again. */
export default function SamenessPage() {
  const { t } = useTranslation()
  const [parameters, setParameters] = useSearchParams()
  const family = FAMILIES.find((one) => one === parameters.get('family')) ?? 'actor'
  const list = useSameness(family)
  return (
    <Page title={t('samenessPage.title')} aside={list.data && <span>{t('common.asOf')} <Ago at={list.data.as_of} /></span>}>
      <FindTabs />
      <p className="quiet">{t('samenessPage.note')}</p>
      <Select size="xs" w={220} my="sm" allowDeselect={false} aria-label={t('samenessPage.family')} value={family} onChange={(value) => setParameters({ family: value ?? 'actor' })} data={FAMILIES.map((one) => ({ value: one, label: t(`samenessPage.families.${one}`) }))} />
      {list.error ? <ErrorNote error={list.error} retry={() => void list.refetch()} /> : list.data ? <Lists list={list.data} /> : <Waiting />}
    </Page>
  )
}

function Lists({ list }: { list: SamenessList }) {
  const { t } = useTranslation()
  return (
    <>
      <Section title={t('samenessPage.proposals')} aside={list.proposals.length}>
        {list.proposals.length === 0 ? <Empty title={t('samenessPage.none')}>{t('samenessPage.noneHint', { count: list.compared })}</Empty>
          : <ul className={classes.list}>{list.proposals.map((proposal) => <li key={`${proposal.one.id} ${proposal.other.id}`}><Proposal proposal={proposal} /></li>)}</ul>}
      </Section>
      {list.decisions.length > 0 && (
        <Section title={t('samenessPage.decisions')} aside={list.decisions.length}>
          <ul className={classes.list}>{list.decisions.map((decision) => <li key={decision.id}><Decided decision={decision} /></li>)}</ul>
        </Section>
      )}
    </>
  )
}

function useSettled() {
  const client = useQueryClient()
  return () => {
    for (const key of ['sameness', 'same', 'actor']) void client.invalidateQueries({ queryKey: [key] })
  }
}

function Proposal({ proposal }: { proposal: SamenessList['proposals'][number] }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const mayWrite = useMay('write')
  const { say, fail } = useToasts()
  const settled = useSettled()
  const [reason, setReason] = useState('')
  const undo = useMutation({ mutationFn: (id: string) => call<void>('DELETE', `/api/v1/sameness/${id}`), onSuccess: settled, onError: fail })
  const decide = useMutation({
    mutationFn: (same: boolean) => call<Decision>('POST', '/api/v1/sameness', { one: proposal.one.id, other: proposal.other.id, same, reason }),
    onSuccess: ({ id }) => {
      settled()
      say(t('samenessPage.done'), () => undo.mutate(id))
    },
    onError: fail,
  })
  return (
    <div className={classes.pair}>
      <One object={proposal.one} />
      <One object={proposal.other} />
      <div>
        <p className="quiet">{t('samenessPage.strength', { value: proposal.strength })}</p>
        <ul className={classes.reasons}>{proposal.reasons.map((why) => <li key={why.en}>{why[language]}</li>)}</ul>
      </div>
      {mayWrite && (
        <div className={classes.act}>
          <TextInput size="xs" maxLength={2000} placeholder={t('samenessPage.reason')} aria-label={t('samenessPage.reason')} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
          <Button size="compact-xs" loading={decide.isPending} onClick={() => decide.mutate(true)}>{t('samenessPage.same')}</Button>
          <Button size="compact-xs" variant="default" onClick={() => decide.mutate(false)}>{t('samenessPage.different')}</Button>
        </div>
      )}
    </div>
  )
}

function One({ object }: { object: ObjectSummary }) {
  const language = useLanguage()
  const name = useOrganisationName()
  return (
    <div className={classes.one}>
      <Link className="text-link" to={`/intelligence/${object.id}`}>{inLanguage(defang(object.name), language)}</Link>
      <span className="quiet">{name(object.originator)}</span>
      <Marking marking={object.marking} />
    </div>
  )
}

function Decided({ decision }: { decision: Decision }) {
  const { t } = useTranslation()
  const mayWrite = useMay('write')
  const { fail } = useToasts()
  const settled = useSettled()
  const undo = useMutation({ mutationFn: () => call<void>('DELETE', `/api/v1/sameness/${decision.id}`), onSuccess: settled, onError: fail })
  return (
    <div className={classes.pair} data-undone={decision.undone !== undefined || undefined}>
      <One object={decision.one} />
      <One object={decision.other} />
      <div>
        <strong>{t(decision.same ? 'samenessPage.decidedSame' : 'samenessPage.decidedDifferent')}</strong> {decision.undone !== undefined && <span className="quiet">{t('samenessPage.undone')}</span>}
        <p className="quiet">{decision.reason} {decision.person !== undefined && t('samenessPage.by', { name: decision.person })} <Ago at={decision.decided} /></p>
      </div>
      {mayWrite && decision.undone === undefined && <div className={classes.act}><Button size="compact-xs" variant="default" loading={undo.isPending} onClick={() => undo.mutate()}>{t('samenessPage.undo')}</Button></div>}
    </div>
  )
}
