import { Button, Checkbox, FileButton, MultiSelect, SegmentedControl, Select, Textarea } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { PAP_LEVELS, publish, useGroups, usePreview, type Chosen, type RefusedObject } from '../../api/agreements.ts'
import { useDefinedQualifications } from '../../api/identity.ts'
import { useMay, useSession } from '../../api/session.ts'
import { LEVELS } from '../../api/sharing.ts'
import type { Ingested } from '../../api/types.ts'
import { AudienceList } from '../../components/audience.tsx'
import { alike, reachesOthers, type Alike } from '../../components/audience-groups.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Marking } from '../../components/marking.tsx'
import { Page, Section } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { typeWord } from '../../components/type-word.ts'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import { useLanguage } from '../../i18n.ts'
import NotFoundPage from '../not-found.tsx'
import { contentsOf, type Contents } from './contents.ts'
import classes from './publish.module.css'

/** After this pause in typing the hub is asked who could see it. */
const SETTLED_MS = 350

/** Publishes STIX that is pasted or chosen, and shows beforehand who will see what and by what. It is sent as it is written. */
export default function PublishPage() {
  const { t } = useTranslation()
  const may = useMay('write')
  const [taken, setTaken] = useState<Ingested | null>(null)
  if (!may) return <NotFoundPage />
  return (
    <Page title={t('publish.title')} above={<Link to="/intelligence" className="text-link">{t('places.intelligence')}</Link>}>
      {taken ? <Outcome taken={taken} onAgain={() => setTaken(null)} /> : <Form onTaken={setTaken} />}
    </Page>
  )
}

function Form({ onTaken }: { onTaken: (taken: Ingested) => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [held, setHeld] = useState({ text: '', edition: 0 })
  const [chosen, setChosen] = useState<Chosen>({ tlp: '', pap: '', groups: [], demands: [], over: 'unmarked', acs: false })
  const [settled] = useDebouncedValue(held, SETTLED_MS)
  const contents = useMemo(() => (settled.text.trim() === '' ? null : contentsOf(settled.text)), [settled])
  const preview = usePreview(settled.text, String(settled.edition), chosen, contents?.fault === null)
  const isCurrent = settled.edition === held.edition && !preview.isFetching && preview.data !== undefined
  const write = (text: string) => setHeld(({ edition }) => ({ text, edition: edition + 1 }))
  const send = useMutation({
    mutationFn: () => publish(held.text, chosen),
    onSuccess: (taken) => {
      void client.invalidateQueries({ queryKey: ['objects'] })
      onTaken(taken)
    },
  })
  const fit = preview.data?.objects.reduce((sum, one) => sum + one.count, 0) ?? 0
  return (
    <div>
    <div className={classes.columns}>
      <div className={classes.form}>
        <Textarea
          label={t('publish.paste')} description={t('publish.pasteHint')} autosize minRows={6} maxRows={10} spellCheck={false} autoFocus
          classNames={{ input: classes.text ?? '' }} value={held.text} onChange={(event) => write(event.currentTarget.value)}
        />
        <div><FileButton accept=".json,.ndjson,.jsonl,application/json" onChange={(file) => { if (file) void file.text().then(write) }}>{(props) => <Button {...props} size="xs" variant="default">{t('publish.choose')}</Button>}</FileButton></div>
        {contents && <Held contents={contents} />}
        <MarkingFields chosen={chosen} onChange={setChosen} contents={contents} />
      </div>
      <Section id="audience" title={t('publish.audience')} aside={preview.data && contents?.fault === null ? t('publish.audienceAside') : undefined}>
        {preview.error && contents?.fault === null ? <ErrorNote error={preview.error} retry={() => void preview.refetch()} />
          : contents?.fault === null ? (preview.data ? <Preview told={alike(preview.data.objects)} refused={preview.data.refused} isCurrent={isCurrent} /> : <Waiting lines={6} />)
          : <Empty title={t('publish.nothingYet')}>{t('publish.nothingYetHint')}</Empty>}
      </Section>
    </div>
    <div className={classes.foot}>
      {needsProof(send.error) ? <Prove opened onClose={send.reset} onProved={() => send.mutate()} /> : send.error && <ErrorNote error={send.error} />}
      <div className={classes.line}>
        <Button loading={send.isPending} disabled={!isCurrent || contents?.fault !== null || fit === 0} onClick={() => send.mutate()}>{fit === 0 ? t('publish.open') : t('publish.send', { text: exact(fit) })}</Button>
        <p className={classes.sure}>{t('publish.sure')}</p>
      </div>
    </div>
    </div>
  )
}

/** What the text holds, before the hub has said anything. */
function Held({ contents }: { contents: Contents }) {
  const { t } = useTranslation()
  if (contents.fault !== null) {
    return <p role="alert" className={classes.fault}>{t(`publish.fault.${contents.fault}`)}{contents.detail !== '' && <> <span lang="en">{contents.detail}</span></>}</p>
  }
  return (
    <p role="status" className={classes.held}>
      {t('publish.holds', { text: exact(contents.count) })} {contents.types.map(([type, count]) => `${typeWord(type, t)} ${exact(count)}`).join(' · ')}
      {contents.unmarked > 0 && <strong> · {t('publish.unmarked', { text: exact(contents.unmarked) })}</strong>}
    </p>
  )
}

interface MarkingProps {
  chosen: Chosen
  onChange: (chosen: Chosen) => void
  contents: Contents | null
}

/** The marking for what bears none, or for everything. */
function MarkingFields({ chosen, onChange, contents }: MarkingProps) {
  const { t } = useTranslation()
  const language = useLanguage()
  const groups = useGroups().data?.groups ?? []
  const defined = useDefinedQualifications().data?.qualifications ?? []
  const set = (part: Partial<Chosen>) => onChange({ ...chosen, ...part })
  const marked = contents?.fault === null ? contents.count - contents.unmarked : 0
  return (
    <fieldset className={classes.marking}>
      <legend>{t('publish.marking')}</legend>
      <div className={classes.pair}>
        <Select label="TLP" placeholder={t('publish.asWritten')} clearable value={chosen.tlp === '' ? null : chosen.tlp} data={LEVELS.map((level) => ({ value: level, label: `TLP:${level.toUpperCase()}` }))} onChange={(tlp) => set({ tlp: tlp ?? '' })} />
        <Select label="PAP" placeholder={t('publish.asWritten')} clearable value={chosen.pap === '' ? null : chosen.pap} data={PAP_LEVELS.map((level) => ({ value: level, label: `PAP:${level.toUpperCase()}` }))} onChange={(pap) => set({ pap: pap ?? '' })} />
      </div>
      {groups.length > 0 && <MultiSelect label={t('publish.groups')} description={t('publish.groupsHint')} hidePickedOptions clearable maxValues={8} value={chosen.groups} data={groups.map((group) => ({ value: group.id, label: language === 'ja' ? group.name_ja : group.name_en }))} onChange={(ids) => set({ groups: ids })} />}
      {defined.length > 0 && <MultiSelect label={t('publish.demands')} description={t('publish.demandsHint')} hidePickedOptions clearable maxValues={8} value={chosen.demands} data={defined.map((one) => ({ value: one.qualification, label: language === 'ja' ? one.name_ja : one.name_en }))} onChange={(demands) => set({ demands })} />}
      <div>
        <p className={classes.label} id="over">{t('publish.over')}</p>
        <SegmentedControl
          fullWidth aria-labelledby="over" classNames={{ label: classes.way ?? '' }} value={chosen.over} onChange={(over) => set({ over: over === 'all' ? 'all' : 'unmarked' })}
          data={[{ value: 'unmarked', label: t('publish.overUnmarked', { text: exact(contents?.fault === null ? contents.unmarked : 0) }) }, { value: 'all', label: t('publish.overAll', { text: exact(marked) }) }]}
        />
      </div>
      <Checkbox label={t('publish.acs')} description={t('publish.acsHint')} checked={chosen.acs} onChange={(event) => set({ acs: event.currentTarget.checked })} />
    </fieldset>
  )
}

/** Who could see what. Objects with one audience are told of together; what reaches nobody comes first, for it is easily missed. */
function Preview({ told, refused, isCurrent }: { told: Alike[]; refused: RefusedObject[]; isCurrent: boolean }) {
  const { t } = useTranslation()
  const { organisation } = useSession()
  const sorted = [...told].sort((left, right) => Number(reachesOthers(left.audience, organisation.id)) - Number(reachesOthers(right.audience, organisation.id)) || right.count - left.count)
  const alone = told.filter((one) => !reachesOthers(one.audience, organisation.id)).reduce((sum, one) => sum + one.count, 0)
  const reached = new Set(told.flatMap(({ audience }) => audience.readers.map((reader) => reader.organisation)).filter((id) => id !== organisation.id)).size
  return (
    <div className={classes.told} aria-busy={!isCurrent || undefined}>
      <p role="status" className={classes.sum}>
        {(reached > 0 || alone === 0) && t('publish.reaches', { count: reached })}
        {reached > 0 && alone > 0 && ' · '}
        {alone > 0 && <strong>{t('publish.alone', { count: alone, text: exact(alone) })}</strong>}
      </p>
      {refused.length > 0 && <><p className={classes.fault}>{t('publish.wouldBeRefused', { count: refused.length })}</p><Refused refused={refused} /></>}
      {sorted.map((one) => (
        <div key={one.key} className={classes.alike}>
          <h3>
            {kinds(one, t)} <Marking marking={{ tlp: one.audience.tlp === 'unmarked' ? null : one.audience.tlp, statements: [] }} />
            {one.audience.pap != null && <span className="quiet"> PAP:{one.audience.pap.toUpperCase()}</span>}
          </h3>
          <AudienceList audience={one.audience} />
        </div>
      ))}
    </div>
  )
}

const kinds = ({ types }: Alike, t: ReturnType<typeof useTranslation>['t']) => types.map(([type, count]) => `${typeWord(type, t)} ${exact(count)}`).join(' · ')

function Refused({ refused }: { refused: RefusedObject[] }) {
  return (
    <ul className={classes.refused}>
      {refused.map((one) => (
        <li key={one.index}><code>{one.id ?? `#${one.index + 1}`}</code> <span lang="en">{one.message}</span> <code>{one.code}</code></li>
      ))}
    </ul>
  )
}

function Outcome({ taken, onAgain }: { taken: Ingested; onAgain: () => void }) {
  const { t } = useTranslation()
  const mayDecide = useMay('widen-release')
  return (
    <div className={classes.form}>
      <p role="status">{t('publish.done', { accepted: exact(taken.accepted), duplicates: exact(taken.duplicates), refused: exact(taken.refused.length) })}</p>
      {taken.refused.length > 0 && <Refused refused={taken.refused} />}
      {taken.waiting !== undefined && taken.waiting.length > 0 && (
        <p>{t('publish.waiting', { count: taken.waiting.length, text: exact(taken.waiting.length) })}{mayDecide && <> <Link className="text-link" to="/sharing/widenings">{t('publish.toWidenings')}</Link></>}</p>
      )}
      <div className={classes.acts}>
        <Button component={Link} to="/intelligence?sort=added" data-autofocus>{t('publish.toList')}</Button>
        <Button variant="default" onClick={onAgain}>{t('publish.again')}</Button>
      </div>
    </div>
  )
}
