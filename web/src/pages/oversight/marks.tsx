import { useQuery } from '@tanstack/react-query'
import { Check, Minus, X } from 'lucide-react'
import { Fragment } from 'react'
import { useTranslation } from 'react-i18next'

import type { Authorisation } from '../../api/oversight.ts'
import { Copy } from '../../components/copy.tsx'
import { useNow } from '../../input/now.ts'
import { canVerify } from '../../proof/bytes.ts'
import { canonical, digestOf } from '../../proof/canonical.ts'
import type { Outcome } from '../../proof/inspect.ts'
import classes from './oversight.module.css'
import { standingOf } from './standing.ts'

/** Where an authorisation stands: a word, and a mark that is not colour alone. */
export function StandingMark({ authorisation }: { authorisation: Authorisation }) {
  const { t } = useTranslation()
  const standing = standingOf(authorisation, useNow(15_000))
  return (
    <span className={classes.marks}>
      <span className={classes.standing} data-standing={standing}>{t(`oversight.standing.${standing}`)}</span>
      {authorisation.terms.kind === 'emergency' && <Emergency />}
    </span>
  )
}

export function Emergency() {
  const { t } = useTranslation()
  return <strong className={classes.emergency}>{t('oversight.emergency')}</strong>
}

const OUTCOMES = { holds: Check, wrong: X, open: Minus }

/** What this browser found for itself. There is no tick for what it only was told. */
export function Tick({ outcome, word }: { outcome: Outcome; word?: string }) {
  const { t } = useTranslation()
  const name = outcome === null ? 'open' : outcome ? 'holds' : 'wrong'
  const Icon = OUTCOMES[name]
  return <span className={classes.tick} data-outcome={name}><Icon size={15} strokeWidth={2.5} aria-hidden />{word ?? t(`oversight.check.${name}`)}</span>
}

/** A document's hash as this browser computes it; `undefined` until it has. */
export function useDigest(document: unknown): string | null | undefined {
  const text = canonical(document)
  const { data } = useQuery({ queryKey: ['digest', text], queryFn: () => digestOf(document), enabled: canVerify(), staleTime: Infinity, gcTime: 60_000 })
  return canVerify() ? data : null
}

/** A document's hash as the hub tells it, ticked where this browser came to the same one. */
export function Digest({ label, told, document }: { label: string; told: string; document: unknown }) {
  const { t } = useTranslation()
  const own = useDigest(document)
  return (
    <p className={classes.digest}>
      <span>{label}</span> <span className="mono">{told}</span> <Copy text={told} />
      {own !== undefined && <Tick outcome={own === null ? null : own === told} {...(own === told ? { word: t('oversight.check.computed') } : {})} />}
    </p>
  )
}

/** A text of one long line that breaks between its members, and is copied as it is. */
export function Breakable({ text }: { text: string }) {
  return text.split(/(?<=,)/u).map((part, place) => <Fragment key={place}>{part}<wbr /></Fragment>)
}
