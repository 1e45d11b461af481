import { Button, FileInput, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { call, RawBody } from '../../api/client.ts'
import type { Ingested } from '../../api/types.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { typeWord } from '../../components/type-word.ts'
import { exact } from '../../format/number.ts'
import { contentsOf, type Contents } from './contents.ts'
import classes from './publish.module.css'

/** Publishes a STIX bundle that is pasted or chosen. What it holds is shown before anything is sent; it is sent as it is written. */
export function Publish({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [text, setText] = useState('')
  const [contents, setContents] = useState<Contents | null>(null)
  const publish = useMutation({
    mutationFn: () => call<Ingested>('POST', '/api/v1/objects', new RawBody(text, 'application/stix+json;version=2.1')),
    onSuccess: () => client.invalidateQueries({ queryKey: ['objects'] }),
  })
  const change = (value: string) => {
    setText(value)
    setContents(null)
    publish.reset()
  }
  const choose = async (file: File | null) => change(file ? await file.text() : '')
  const close = () => {
    change('')
    onClose()
  }
  return (
    <Dialog opened={opened} onClose={close} title={t('publish.title')} size="lg">
      {publish.data ? <Outcome taken={publish.data} onAgain={() => change('')} onClose={close} /> : (
        <div className={classes.form}>
          <FileInput label={t('publish.file')} placeholder={t('publish.choose')} accept=".json,.ndjson,.jsonl,application/json" clearable onChange={(file) => void choose(file)} />
          <Textarea label={t('publish.paste')} autosize minRows={6} maxRows={14} spellCheck={false} classNames={{ input: classes.text ?? '' }} value={text} onChange={(event) => change(event.currentTarget.value)} />
          {contents && <Preview contents={contents} />}
          {publish.error && <ErrorNote error={publish.error} />}
          <div className={classes.acts}>
            <Button variant="default" onClick={close}>{t('common.cancel')}</Button>
            {contents?.fault === null
              ? <Button loading={publish.isPending} onClick={() => publish.mutate()}>{t('publish.send', { text: exact(contents.count) })}</Button>
              : <Button disabled={text.trim() === ''} onClick={() => setContents(contentsOf(text))}>{t('publish.look')}</Button>}
          </div>
        </div>
      )}
    </Dialog>
  )
}

function Preview({ contents }: { contents: Contents }) {
  const { t } = useTranslation()
  if (contents.fault !== null) {
    return <p role="alert" className={classes.fault}>{t(`publish.fault.${contents.fault}`)}{contents.detail !== '' && <> <span lang="en">{contents.detail}</span></>}</p>
  }
  return (
    <div role="status" className={classes.preview}>
      <p>{t('publish.holds', { text: exact(contents.count) })} {contents.types.map(([type, count]) => `${typeWord(type, t)} ${exact(count)}`).join(' · ')}</p>
      <p>{contents.markings.map(([marking, count]) => `${marking === '' ? t('publish.otherMarking') : marking} ${exact(count)}`).join(' · ')}</p>
      {contents.unmarked > 0 && <p className={classes.warn}>{t('publish.unmarked', { text: exact(contents.unmarked) })}</p>}
      <p>{t('publish.sure')}</p>
    </div>
  )
}

function Outcome({ taken, onAgain, onClose }: { taken: Ingested; onAgain: () => void; onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <div className={classes.form}>
      <p role="status">{t('publish.done', { accepted: exact(taken.accepted), duplicates: exact(taken.duplicates), refused: exact(taken.refused.length) })}</p>
      {taken.refused.length > 0 && (
        <ul className={classes.refused}>
          {taken.refused.map((one) => (
            <li key={one.index}><code>{one.id ?? `#${one.index + 1}`}</code> <span lang="en">{one.message}</span> <code>{one.code}</code></li>
          ))}
        </ul>
      )}
      <div className={classes.acts}>
        <Button variant="default" onClick={onAgain}>{t('publish.again')}</Button>
        <Button onClick={onClose}>{t('common.close')}</Button>
      </div>
    </div>
  )
}
