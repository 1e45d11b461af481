import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import type { Terms } from '../../api/oversight.ts'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Both } from '../../components/time.tsx'
import { exact } from '../../format/number.ts'
import { useJoin } from '../agreements/words.ts'
import { Emergency } from './marks.tsx'
import classes from './oversight.module.css'
import { useBase, useCategory, useLength } from './words.ts'

/** What is asked for, in words that a commissioner answers for. All of it comes from the terms, and all of them are in it. */
export function TermsText({ terms, sealed, isDraft = false }: { terms: Terms; sealed: boolean; isDraft?: boolean }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const join = useJoin()
  const base = useBase()
  const category = useCategory()
  const list = (words: string[]) => (words.length === 0 ? '–' : join(words))
  const fields = list(terms.fields.map((field) => inSentence(t(`oversight.field.${field}`, { defaultValue: field }))))
  return (
    <article className={classes.text} aria-label={t('oversight.terms')}>
      <p className={classes.lead}>
        {t(terms.private ? 'oversight.privateTermsText' : 'oversight.termsText', { count: terms.list_size, who: name(terms.requested_by), operators: list(terms.operators.map(name)), indicators: exact(terms.list_size), times: exact(terms.queries_per_day), fields })}
      </p>
      <p className={classes.because}>{terms.reason === '' ? '–' : terms.reason}</p>
      <dl className={classes.terms}>
        <dt>{t('oversight.kind')}</dt><dd>{terms.kind === 'emergency' ? <><Emergency /> {t('oversight.emergencyText')}</> : t('oversight.ordinary')}</dd>
        <dt>{t('oversight.basis')}</dt><dd>{terms.category === '' ? '–' : category(terms.category, terms.article)}</dd>
        <dt>{t('oversight.purpose')}</dt><dd>{t(`purposes.${terms.purpose}`, { defaultValue: terms.purpose })}</dd>
        <dt>{t('oversight.operators')}</dt><dd>{list(terms.operators.map(name))}</dd>
        <dt>{t('oversight.list')}</dt><dd>{t('oversight.listText', { count: terms.list_size, text: exact(terms.list_size) })} {t(sealed ? 'oversight.sealedText' : 'oversight.openText')}</dd>
        {terms.private && <><dt>{t('oversight.private')}</dt><dd>{t(`oversight.privateMode.${terms.private.mode}`)} {t('oversight.privateSizes', { elements: exact(terms.private.elements), values: exact(terms.private.filter_values_max) })}</dd></>}
        {!terms.private && <><dt>{t('oversight.fields')}</dt><dd>{fields}</dd></>}
        <dt>{t('oversight.quota')}</dt><dd>{t('oversight.quotaText', { count: terms.queries_per_day, text: exact(terms.queries_per_day) })}</dd>
        <dt>{t('oversight.period')}</dt><dd><Period from={terms.from} until={terms.until} /></dd>
        <dt>{t('oversight.retention')}</dt><dd>{terms.retention === '' ? '–' : <span className="mono">{terms.retention}</span>}</dd>
        {terms.narrows !== null && <><dt>{t('oversight.narrows')}</dt><dd><Link className="text-link mono" to={`${base}/authorisations/${terms.narrows}`}>{terms.narrows}</Link></dd></>}
        {!isDraft && <><dt>{t('oversight.listRoot')}</dt><dd className="mono">{terms.list_root}</dd></>}
        {!isDraft && terms.private && <><dt>{t('oversight.seedCommitment')}</dt><dd className="mono">{terms.private.seed_commitment}</dd></>}
      </dl>
    </article>
  )
}

/** A label within a sentence begins small, where a script has small letters. */
const inSentence = (label: string) => label.slice(0, 1).toLowerCase() + label.slice(1)

/** From when until when, and how long that is. */
export function Period({ from, until }: { from: string; until: string }) {
  const { t } = useTranslation()
  const spell = useLength()
  const length = Math.round((Date.parse(until) - Date.parse(from)) / 1000)
  if (!Number.isFinite(length)) return <span className="quiet">–</span>
  return (
    <span className={classes.period}>
      <Both at={from} />
      <span><Both at={until} /> <span className="quiet">{t('agreements.untilExclusive')}</span></span>
      <span className="quiet">{t('oversight.length', { text: spell(length) })}</span>
    </span>
  )
}
