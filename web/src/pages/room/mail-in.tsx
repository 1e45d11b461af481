import { useTranslation } from 'react-i18next'

import type { RoomSays } from '../../api/room.ts'
import { bytes } from '../../format/number.ts'
import { date, time } from '../../format/time.ts'
import classes from './room.module.css'

/** A mail as it was handed in: its words as text and nothing else, and what it claims as its claim. */
export function MailIn({ says }: { says: Extract<RoomSays, { says: 'mailed' }> }) {
  const { t } = useTranslation()
  const { subject = '', sent, text = '', message_id: name, sha256, attachments: parts = [] } = says
  const at = sent == null ? t('room.mail.unknown') : `${date(sent, 'JST')} ${time(sent, 'JST')} JST`
  return (
    <>
      <p className={classes.subject}>{subject === '' ? t('room.mail.noSubject') : t('room.mail.subject', { subject })}</p>
      <p className={classes.claims}>{t('room.mail.claims', { at })}</p>
      <p className="prose">{text === '' ? t('room.mail.noText') : text}{says.cut === true && ` … ${t('room.mail.cut')}`}</p>
      {parts.length > 0 && (
        <details className={classes.more}>
          <summary>{t('room.mail.parts', { count: parts.length })}</summary>
          <ul>
            {parts.map((part, place) => (
              <li key={place}>
                {part.name != null && part.name !== '' ? part.name : t('room.mail.noName')} <span className="quiet">{bytes(part.bytes)} · {part.media_type}</span>
                <code>SHA-256 {part.sha256}</code>
              </li>
            ))}
          </ul>
        </details>
      )}
      <details className={classes.more}>
        <summary>{t('room.mail.marks')}</summary>
        {name != null && <code>Message-ID {name}</code>}
        <code>SHA-256 {sha256}</code>
      </details>
    </>
  )
}
