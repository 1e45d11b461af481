import { Button, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useRef, useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate } from 'react-router'

import { call } from '../../api/client.ts'
import { useEdges, useOrganisations } from '../../api/queries.ts'
import { nameOf, useMay } from '../../api/session.ts'
import type { EdgeStatus, NewEdge, RegisteredEdge } from '../../api/types.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Health } from '../../components/health.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Page } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Secret } from '../../components/secret.tsx'
import { CopyTable, useSort } from '../../components/table.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { exact, short } from '../../format/number.ts'
import { span } from '../../format/time.ts'
import { useLanguage } from '../../i18n.ts'
import { useShortcuts } from '../../input/shortcuts.ts'
import classes from './edges.module.css'
import { Dialog } from '../../components/dialog.tsx'

/** Do my sensors see, and what left the building? */
export default function EdgesPage() {
  const { t } = useTranslation()
  const mayRegister = useMay('administer')
  const edges = useEdges()
  const [registering, setRegistering] = useState(false)
  const list = edges.data?.edges ?? []
  const aside = edges.data && (
    <>
      <span>{t('edges.count', { count: list.length })}</span>
      <span>{t('common.asOf')} <Ago at={edges.data.as_of} /></span>
    </>
  )
  return (
    <Page title={t('places.edges')} aside={aside} actions={mayRegister && <Button size="xs" leftSection={<Plus size={15} />} onClick={() => setRegistering(true)}>{t('edges.register')}</Button>}>
      {edges.error ? <ErrorNote error={edges.error} retry={() => void edges.refetch()} />
        : edges.isPending ? <Waiting />
        : list.length === 0 ? <Empty title={t('edges.none')}>{t('edges.noneHint')}</Empty>
        : <Table edges={list} />}
      <Registration opened={registering} onClose={() => setRegistering(false)} />
    </Page>
  )
}

/** The oldest of the sources' newest records: how far behind the edge is as a whole. */
export function worstLag(edge: EdgeStatus): number | null {
  const lags = (edge.hello?.sources ?? []).map((source) => source.lag_seconds).filter((lag) => lag !== null)
  return lags.length === 0 ? null : Math.max(...lags)
}

function Table({ edges }: { edges: EdgeStatus[] }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const [active, setActive] = useState(-1)
  const name = useOrganisationName()
  const language = useLanguage()
  const table = useRef<HTMLTableElement>(null)
  const { sorted, head } = useSort(edges, {
    edge: (edge) => `${inLanguage(edge.name, language)} ${name(edge.organisation)}`,
    health: (edge) => edge.health,
    heard: (edge) => edge.heard,
    lag: worstLag,
    set: (edge) => edge.hello?.generation ?? null,
    records: (edge) => edge.hello?.records ?? null,
    matches: (edge) => edge.hello?.matches ?? null,
    sent: (edge) => edge.hello?.sent ?? null,
    waiting: (edge) => edge.hello?.waiting ?? null,
    withheld: (edge) => edge.hello?.withheld ?? null,
  })
  const move = (step: number) => setActive((held) => Math.max(0, Math.min(edges.length - 1, held + step)))
  useShortcuts({ j: () => move(1), k: () => move(-1), Enter: () => {
    const edge = sorted[active]
    if (edge) void navigate(`/edges/${edge.id}`)
  } })
  return (
    <>
    <div style={{ display: 'flex', justifyContent: 'flex-end' }}><CopyTable of={table} /></div>
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('places.edges')}>
      <table ref={table} className={classes.table}>
        <thead>
          <tr>
            {['edge', 'health', 'heard', 'lag', 'set', 'records', 'matches', 'sent', 'waiting', 'withheld'].map((column) => (
              head(column, t(`edges.column.${column}`), ['records', 'matches', 'sent', 'waiting', 'withheld', 'lag'].includes(column))
            ))}
          </tr>
        </thead>
        <tbody>{sorted.map((edge, place) => <Row key={edge.id} edge={edge} active={place === active} />)}</tbody>
      </table>
    </div>
    </>
  )
}

function Row({ edge, active }: { edge: EdgeStatus; active: boolean }) {
  const language = useLanguage()
  const name = useOrganisationName()
  const lag = worstLag(edge)
  const hello = edge.hello
  const number = (value: number | undefined) => <td data-number>{value === undefined ? '–' : <span title={exact(value)}>{short(value, language)}</span>}</td>
  return (
    <tr data-active={active || undefined}>
      <th scope="row">
        <span className={classes.two}>
          <Link to={`/edges/${edge.id}`} className={classes.name}>{inLanguage(edge.name, language)}</Link>
          <span className="quiet">{name(edge.organisation)}</span>
        </span>
      </th>
      <td><Health health={edge.health} />{hello?.trouble != null && <Trouble code={hello.trouble} />}</td>
      <td>{edge.heard === null ? '–' : <Ago at={edge.heard} />}</td>
      <td data-number>{lag === null ? '–' : span(Math.round(lag), language)}</td>
      <td><SetState edge={edge} /></td>
      {number(hello?.records)}
      {number(hello?.matches)}
      {number(hello?.sent)}
      {number(hello?.waiting)}
      {number(hello?.withheld)}
    </tr>
  )
}

export function Trouble({ code }: { code: string }) {
  const { t } = useTranslation()
  return <span className={classes.trouble}>{t(`trouble.${code}`, { defaultValue: code })}</span>
}

/** Whether the edge matches with what the hub would have it match with. */
export function SetState({ edge }: { edge: EdgeStatus }) {
  const { t } = useTranslation()
  const language = useLanguage()
  if (edge.hello === null) return <span className="quiet">–</span>
  const isCurrent = edge.hello.generation >= edge.current_generation
  return (
    <span className={classes.set}>
      {isCurrent ? t('edges.current') : <strong>{t('edges.behind', { text: exact(edge.current_generation) })}</strong>}
      <span className="quiet">{t('edges.indicators', { text: short(edge.hello.indicators, language) })}</span>
    </span>
  )
}

const SHORT_NAME = /^[a-z0-9-]{1,64}$/u

function Registration({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const client = useQueryClient()
  const operators = useOrganisations().data ?? []
  const [wanted, setWanted] = useState<NewEdge>({ id: '', organisation: '', name: '' })
  const register = useMutation({
    mutationFn: (edge: NewEdge) => call<RegisteredEdge>('POST', '/api/v1/edges', edge),
    onSuccess: () => client.invalidateQueries({ queryKey: ['edges'] }),
  })
  const close = () => {
    onClose()
    register.reset()
    setWanted({ id: '', organisation: '', name: '' })
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    register.mutate({ ...wanted, name: wanted.name.trim() })
  }
  if (needsProof(register.error)) return <Prove opened onClose={register.reset} onProved={() => register.variables && register.mutate(register.variables)} />
  const legal = wanted.id === '' || SHORT_NAME.test(wanted.id)
  return (
    <Dialog opened={opened} onClose={close} title={t('edges.register')}>
      {register.data ? (
        <Secret title={t('edges.registered', { id: register.data.id })} secret={register.data.token} hint={t('edges.tokenHint')} onDone={close} />
      ) : (
        <form className={classes.form} onSubmit={submit}>
          <Select label={t('common.organisation')} required withAsterisk={false} searchable data={operators.map((one) => ({ value: one.id, label: nameOf(one, language) }))} value={wanted.organisation || null} onChange={(organisation) => setWanted({ ...wanted, organisation: organisation ?? '' })} />
          <TextInput label={t('edges.name')} required withAsterisk={false} maxLength={200} value={wanted.name} onChange={(event) => setWanted({ ...wanted, name: event.currentTarget.value })} />
          <TextInput label={t('edges.shortName')} description={t('edges.shortNameHint')} required withAsterisk={false} error={legal ? undefined : t('edges.shortNameBad')} value={wanted.id} onChange={(event) => setWanted({ ...wanted, id: event.currentTarget.value.normalize('NFKC').toLowerCase() })} />
          {register.error && <ErrorNote error={register.error} />}
          <Button type="submit" loading={register.isPending} disabled={!SHORT_NAME.test(wanted.id) || wanted.organisation === '' || wanted.name.trim() === ''}>{t('edges.register')}</Button>
        </form>
      )}
    </Dialog>
  )
}
