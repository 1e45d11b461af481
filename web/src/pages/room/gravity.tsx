import { Button, Select, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { useReportCatalogue } from '../../api/reports.ts'
import { proposeSeverity } from '../../api/room.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Section } from '../../components/page.tsx'
import { Severity } from '../../components/severity.tsx'
import { SeverityPicker } from '../../components/severity-picker.tsx'
import { Both } from '../../components/time.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import { ActDialog } from './act.tsx'
import classes from './room.module.css'
import { useHere } from './use-room.tsx'

/** How grave it is: the scheme proposes with its reasons, a person declares. */
export function Gravity() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { room, person } = useHere()
  const { proposed, declared } = room.situation
  const [asking, setAsking] = useState<'propose' | 'declare' | null>(null)
  return (
    <Section title={t('severity.word')}>
      <dl className={classes.facts}>
        <div><dt>{t('room.declared')}</dt><dd>{declared ? <><Severity level={declared.level} wide /> {declared.by && person(declared.by)} {declared.at != null && <Both at={declared.at} />}<p className="prose">{declared.reasons.join(' ')}</p></> : t('room.notDeclared')}</dd></div>
        <div><dt>{t('room.proposed')}</dt><dd>{proposed ? <><Severity level={proposed.level} wide /><ul className={classes.reasons}>{proposed.reasons.map((reason) => <li key={reason}>{inLanguage(reason, language)}</li>)}</ul></> : t('room.notProposed')}</dd></div>
      </dl>
      <div className={classes.buttons}>
        <Button size="xs" variant="default" onClick={() => setAsking('propose')}>{t('room.haveProposed')}</Button>
        {room.you.account != null && <Button size="xs" variant="default" onClick={() => setAsking('declare')}>{t('room.declare')}</Button>}
      </div>
      {asking === 'propose' && <Propose onClose={() => setAsking(null)} />}
      {asking === 'declare' && <Declare onClose={() => setAsking(null)} />}
    </Section>
  )
}

function Propose({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { room } = useHere()
  const client = useQueryClient()
  const catalogue = useReportCatalogue()
  const [answers, setAnswers] = useState<Record<string, string>>({})
  const [key] = useState(() => crypto.randomUUID())
  const propose = useMutation({
    mutationFn: () => proposeSeverity(room.case.id, { key, answers }),
    onSuccess: async () => {
      onClose()
      await client.invalidateQueries({ queryKey: ['room'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    propose.mutate()
  }
  const factors = catalogue.data?.severity_factors ?? []
  return (
    <Dialog opened onClose={onClose} title={t('room.haveProposed')} size="lg">
      <form className={classes.form} onSubmit={submit}>
        <p className="quiet">{t('room.proposeHint')}</p>
        <div className={classes.factors}>
          {factors.map((factor) => (
            <Select
              key={factor.id}
              clearable
              label={factor.label[language]}
              value={answers[factor.id] ?? null}
              onChange={(value) => setAnswers((held) => {
                const next = { ...held }
                if (value === null) delete next[factor.id]
                else next[factor.id] = value
                return next
              })}
              data={factor.choices.map((choice) => ({ value: choice.id, label: choice.label[language] }))}
            />
          ))}
        </div>
        {(propose.error ?? catalogue.error) && <ErrorNote error={propose.error ?? catalogue.error} />}
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" loading={propose.isPending} disabled={Object.keys(answers).length === 0}>{t('room.propose')}</Button>
        </div>
      </form>
    </Dialog>
  )
}

function Declare({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const { room } = useHere()
  const [level, setLevel] = useState(room.situation.proposed?.level ?? room.situation.declared?.level ?? 2)
  const [reason, setReason] = useState('')
  return (
    <ActDialog opened onClose={onClose} title={t('room.declare')} act={t('room.declareNow')} said={t('room.declaredNow')} entry={reason.trim() === '' ? null : { says: 'severity-declared', level, reason: reason.trim() }}>
      <SeverityPicker value={level} onChange={setLevel} />
      {level >= 3 && <p className={classes.warn}>{t('room.callsIn')}</p>}
      <Textarea label={t('room.reason')} autosize minRows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
    </ActDialog>
  )
}
