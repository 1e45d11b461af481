import { Button, Checkbox, MultiSelect, NumberInput, Select, Switch, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Plus, Trash2 } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate } from 'react-router'

import { CLASSES, draft, ONWARD, ORDER_ACTIONS, PAP_LEVELS, type AgreementOrders, type AgreementTerm, type AgreementText } from '../../api/agreements.ts'
import { useOrganisations } from '../../api/queries.ts'
import { nameOf, useSession } from '../../api/session.ts'
import { LEVELS, PURPOSES } from '../../api/sharing.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Page } from '../../components/page.tsx'
import { useLanguage } from '../../i18n.ts'
import classes from './agreements.module.css'
import { Reading } from './text.tsx'
import { useSideName } from './words.ts'

const BLANK: AgreementTerm = { from: [], to: [], classes: ['indicator', 'sighting'], tlp: 'amber', pap: 'amber', purposes: ['collective-defence'], onward: 'none', onward_to: [], originator_control: false }

const NO_RIGHT: AgreementOrders = { by: [], at: [], actions: ['deny'], minutes_max: 60 }
/** Terms and rights of one agreement. */
const TERMS_MAX = 64

/** Days are Japan's: an agreement begins with its first day and ends with its last. */
export const dayStart = (day: string) => (day === '' ? '' : `${day}T00:00:00+09:00`)
export function dayAfter(day: string): string {
  if (day === '') return ''
  const next = new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000)
  return dayStart(next.toISOString().slice(0, 10))
}

/** Drafts an agreement: the form on one side, the text that will be signed on the other. */
export default function DraftPage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const client = useQueryClient()
  const { organisation } = useSession()
  const [days, setDays] = useState({ from: '', until: '' })
  const [held, setHeld] = useState<AgreementText>({ id: '', title_ja: '', title_en: '', parties: [organisation.id], from: '', until: '', reciprocal: true, terms: [BLANK] })
  const text: AgreementText = { ...held, from: dayStart(days.from), until: dayAfter(days.until) }
  const send = useMutation({
    mutationFn: () => draft(text),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ['agreements'] })
      void navigate(`/sharing/agreements/${made.id}`)
    },
  })
  const set = (part: Partial<AgreementText>) => setHeld((before) => ({ ...before, ...part }))
  const setTerm = (place: number, part: Partial<AgreementTerm>) => set({ terms: held.terms.map((term, index) => (index === place ? { ...term, ...part } : term)) })
  const rights = held.orders ?? []
  const setRight = (place: number, part: Partial<AgreementOrders>) => set({ orders: rights.map((right, index) => (index === place ? { ...right, ...part } : right)) })
  const count = held.terms.length + rights.length
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  return (
    <Page title={t('agreements.draftTitle')} above={<Link to="/sharing/agreements" className="text-link">{t('sharing.agreements')}</Link>}>
      <div className={classes.drafting}>
        <form className={classes.form} onSubmit={submit}>
          <p className={classes.hint}>{t('agreements.draftHint')}</p>
          <TextInput label={t('agreements.titleJa')} required withAsterisk={false} maxLength={130} value={held.title_ja} onChange={(event) => set({ title_ja: event.currentTarget.value })} />
          <TextInput label={t('agreements.titleEn')} required withAsterisk={false} maxLength={400} value={held.title_en} onChange={(event) => set({ title_en: event.currentTarget.value })} />
          <TextInput label={t('administration.shortName')} description={t('agreements.idHint')} required withAsterisk={false} pattern="[a-z0-9\-]{1,64}" value={held.id} onChange={(event) => set({ id: event.currentTarget.value.normalize('NFKC').toLowerCase() })} />
          <Parties parties={held.parties} onChange={(parties) => set({ parties })} />
          <div className={classes.pair}>
            <TextInput type="date" label={t('agreements.firstDay')} required withAsterisk={false} value={days.from} onChange={(event) => setDays({ ...days, from: event.currentTarget.value })} />
            <TextInput type="date" label={t('agreements.lastDay')} required withAsterisk={false} min={days.from} value={days.until} onChange={(event) => setDays({ ...days, until: event.currentTarget.value })} />
          </div>
          <Switch label={t('agreements.reciprocal')} description={t('agreements.reciprocalHint')} checked={held.reciprocal} onChange={(event) => set({ reciprocal: event.currentTarget.checked })} />
          {held.terms.map((term, place) => (
            <TermFields key={place} term={term} number={place + 1} parties={held.parties} onChange={(part) => setTerm(place, part)}
              {...(count > 1 ? { onRemove: () => set({ terms: held.terms.filter((_, index) => index !== place) }) } : {})} />
          ))}
          {rights.map((right, place) => <RightFields key={place} right={right} number={place + 1} parties={held.parties} onChange={(part) => setRight(place, part)} {...(count > 1 ? { onRemove: () => set({ orders: rights.filter((_, index) => index !== place) }) } : {})} />)}
          <div className={classes.acts}>
            <Button type="button" variant="default" size="xs" leftSection={<Plus size={14} />} disabled={count >= TERMS_MAX} onClick={() => set({ terms: [...held.terms, BLANK] })}>{t('agreements.addTerm')}</Button>
            <Button type="button" variant="default" size="xs" leftSection={<Plus size={14} />} disabled={count >= TERMS_MAX} onClick={() => set({ orders: [...rights, NO_RIGHT] })}>{t('agreements.addOrders')}</Button>
          </div>
          {send.error && <ErrorNote error={send.error} />}
          <div className={classes.acts}>
            <Button type="submit" loading={send.isPending} disabled={!isWhole(text)}>{t('agreements.saveDraft')}</Button>
            <span className={classes.hint}>{t('agreements.draftGivesNothing')}</span>
          </div>
        </form>
        <div className={classes.preview} tabIndex={0} role="group" aria-label={t('agreements.preview')}><p className={classes.previewOf}>{t('agreements.preview')}</p><Reading text={text} /></div>
      </div>
    </Page>
  )
}

/** Whether nothing is left open; what else is wrong the hub says. */
function isWhole(text: AgreementText): boolean {
  const isOpen = (term: AgreementTerm) => [term.from, term.to, term.classes, term.purposes].some((list) => list.length === 0) || (term.onward === 'named' && (term.onward_to ?? []).length === 0)
  return [text.id, text.title_ja, text.title_en, text.from, text.until].every((part) => part.trim() !== '') && text.parties.length >= 2 && !text.terms.some(isOpen)
    && !(text.orders ?? []).some((right) => [right.by, right.at, right.actions].some((list) => list.length === 0) || right.minutes_max < 1)
}

function useOrganisationOptions() {
  const language = useLanguage()
  const all = useOrganisations().data ?? []
  return all.map((one) => ({ value: one.id, label: nameOf(one, language), role: one.role }))
}

function Parties({ parties, onChange }: { parties: string[]; onChange: (parties: string[]) => void }) {
  const { t } = useTranslation()
  const { organisation } = useSession()
  const options = useOrganisationOptions()
  return <MultiSelect label={t('agreements.parties')} description={t('agreements.partiesHint')} searchable hidePickedOptions value={parties} data={options} onChange={(chosen) => onChange(chosen.includes(organisation.id) ? chosen : [organisation.id, ...chosen])} />
}

interface TermProps {
  term: AgreementTerm
  number: number
  parties: string[]
  onChange: (part: Partial<AgreementTerm>) => void
  onRemove?: () => void
}

/** Who may be named at a place: the parties, and the members of a council that one of them coordinates. */
function useSides(parties: string[]) {
  const side = useSideName()
  const options = useOrganisationOptions()
  const coordinators = new Set(options.filter(({ role }) => role === 'coordinator').map(({ value }) => value))
  return parties.flatMap((party) => (coordinators.has(party) ? [party, `${party}:members`] : [party])).map((value) => ({ value, label: side(value) }))
}

interface RightProps {
  right: AgreementOrders
  number: number
  parties: string[]
  onChange: (part: Partial<AgreementOrders>) => void
  onRemove?: () => void
}

function RightFields({ right, number, parties, onChange, onRemove }: RightProps) {
  const { t } = useTranslation()
  const sides = useSides(parties)
  return (
    <fieldset className={classes.termFields}>
      <legend>{t('agreements.ordersNumber', { number })}</legend>
      {onRemove && <Button className={classes.removeTerm ?? ''} type="button" size="compact-xs" variant="subtle" color="gray" leftSection={<Trash2 size={14} />} onClick={onRemove}>{t('agreements.removeTerm')}</Button>}
      <div className={classes.pair}>
        <MultiSelect label={t('agreements.ordersBy')} hidePickedOptions value={right.by} data={sides.filter(({ value }) => parties.includes(value))} onChange={(by) => onChange({ by })} />
        <MultiSelect label={t('agreements.ordersAt')} hidePickedOptions value={right.at} data={sides} onChange={(at) => onChange({ at })} />
      </div>
      <div className={classes.pair}>
        <MultiSelect label={t('agreements.orderActions')} hidePickedOptions value={right.actions} data={ORDER_ACTIONS.map((value) => ({ value, label: t(`response.actions.${value}`) }))} onChange={(actions) => onChange({ actions })} />
        <NumberInput label={t('agreements.ordersMinutes')} min={1} max={44_640} allowDecimal={false} value={right.minutes_max} onChange={(minutes) => onChange({ minutes_max: Number(minutes) || 0 })} />
      </div>
    </fieldset>
  )
}

function TermFields({ term, number, parties, onChange, onRemove }: TermProps) {
  const { t } = useTranslation()
  const options = useOrganisationOptions()
  const sides = useSides(parties)
  const toggle = (name: string) => onChange({ classes: term.classes.includes(name) ? term.classes.filter((one) => one !== name) : CLASSES.filter((one) => one === name || term.classes.includes(one)) })
  return (
    <fieldset className={classes.termFields}>
      <legend>{t('agreements.termNumber', { number })}</legend>
      {onRemove && <Button className={classes.removeTerm ?? ''} type="button" size="compact-xs" variant="subtle" color="gray" leftSection={<Trash2 size={14} />} onClick={onRemove}>{t('agreements.removeTerm')}</Button>}
      <div className={classes.pair}>
        <MultiSelect label={t('agreements.giver')} hidePickedOptions value={term.from} data={sides} onChange={(from) => onChange({ from })} />
        <MultiSelect label={t('agreements.receiver')} hidePickedOptions value={term.to} data={sides} onChange={(to) => onChange({ to })} />
      </div>
      <div role="group" aria-label={t('agreements.classes')}>
        <p className={classes.label}>{t('agreements.classes')}</p>
        <div className={classes.boxes}>{CLASSES.map((name) => <Checkbox key={name} size="sm" label={t(`classes.${name}`)} checked={term.classes.includes(name)} onChange={() => toggle(name)} />)}</div>
      </div>
      <div className={classes.pair}>
        <Select label={t('agreements.tlpUpTo')} allowDeselect={false} value={term.tlp} data={LEVELS.map((level) => ({ value: level, label: `TLP:${level.toUpperCase()}` }))} onChange={(tlp) => tlp && onChange({ tlp })} />
        <Select label={t('agreements.papUpTo')} allowDeselect={false} value={term.pap} data={PAP_LEVELS.map((level) => ({ value: level, label: `PAP:${level.toUpperCase()}` }))} onChange={(pap) => pap && onChange({ pap })} />
      </div>
      <MultiSelect label={t('agreements.purposes')} hidePickedOptions value={term.purposes} data={PURPOSES.map((value) => ({ value, label: t(`purposes.${value}`) }))} onChange={(purposes) => onChange({ purposes })} />
      <Select label={t('agreements.onward.word')} allowDeselect={false} value={term.onward} data={ONWARD.map((value) => ({ value, label: t(`agreements.onward.${value}`) }))} onChange={(onward) => onward && onChange({ onward, onward_to: onward === 'named' ? (term.onward_to ?? []) : [] })} />
      {term.onward === 'named' && <MultiSelect label={t('agreements.onwardTo')} searchable hidePickedOptions value={term.onward_to ?? []} data={options} onChange={(onward_to) => onChange({ onward_to })} />}
      <Checkbox size="sm" label={t('agreements.originatorControl')} checked={term.originator_control} onChange={(event) => onChange({ originator_control: event.currentTarget.checked })} />
    </fieldset>
  )
}
