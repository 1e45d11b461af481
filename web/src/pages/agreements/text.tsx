import { useTranslation } from 'react-i18next'

import type { AgreementOrders, AgreementTerm, AgreementText } from '../../api/agreements.ts'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Both } from '../../components/time.tsx'
import { exact } from '../../format/number.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './agreements.module.css'
import { useJoin, useSideName } from './words.ts'

/** An agreement as a text that a lawyer would read. Every word of it comes from what is signed, and all of that is in it.
    `isTitled`: its title in the reader's language stands above already. */
export function Reading({ text, isTitled = false }: { text: AgreementText; isTitled?: boolean }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const name = useOrganisationName()
  const join = useJoin()
  const orders = text.orders ?? []
  const [first, second] = language === 'ja' ? [text.title_ja, text.title_en] : [text.title_en, text.title_ja]
  return (
    <article className={classes.text} aria-label={t('agreements.text')}>
      {!isTitled && <p className={classes.title}>{first === '' ? t('agreements.untitled') : first}</p>}
      <p className="quiet" lang={language === 'ja' ? 'en' : 'ja'}>{second}</p>
      <h2>{t('agreements.article', { number: 1, title: t('agreements.parties') })}</h2>
      <p>{t('agreements.partiesText', { names: join(text.parties.map(name)) })}</p>
      <h2>{t('agreements.article', { number: 2, title: t('agreements.period') })}</h2>
      <dl className={classes.period}>
        <dt>{t('agreements.from')}</dt><dd><Moment at={text.from} /></dd>
        <dt>{t('agreements.until')}</dt><dd><Moment at={text.until} /> {t('agreements.untilExclusive')}</dd>
      </dl>
      <h2>{t('agreements.article', { number: 3, title: t('agreements.given') })}</h2>
      {text.terms.length === 0 && <p>{t('agreements.noneGiven')}</p>}
      <ol className={classes.terms}>{text.terms.map((term, place) => <li key={place}><Term term={term} number={place + 1} /></li>)}</ol>
      {orders.length > 0 && (
        <>
          <h2>{t('agreements.article', { number: 4, title: t('agreements.ordersTitle') })}</h2>
          <ol className={classes.terms}>{orders.map((right, place) => <li key={place}><Right right={right} number={place + 1} /></li>)}</ol>
          <p>{t('agreements.orderGates')}</p>
        </>
      )}
      <h2>{t('agreements.article', { number: orders.length > 0 ? 5 : 4, title: t('agreements.stopping') })}</h2>
      <p>{t(text.reciprocal ? 'agreements.reciprocalText' : 'agreements.oneSidedText')} {t('agreements.endedText')}</p>
    </article>
  )
}

function Moment({ at }: { at: string }) {
  return Number.isNaN(Date.parse(at)) ? <span className="quiet">–</span> : <Both at={at} />
}

function Term({ term, number }: { term: AgreementTerm; number: number }) {
  const { t } = useTranslation()
  const side = useSideName()
  const name = useOrganisationName()
  const join = useJoin()
  const list = (words: string[]) => (words.length === 0 ? '–' : join(words))
  const onward = term.onward === 'named' ? t('agreements.onward.namedText', { names: list((term.onward_to ?? []).map(name)) }) : t(`agreements.onward.${term.onward}Text`)
  return (
    <>
      <p>{t('agreements.termText', { number, from: list(term.from.map(side)), to: list(term.to.map(side)) })}</p>
      <dl className={classes.term}>
        <dt>{t('agreements.classes')}</dt><dd>{list(term.classes.map((one) => t(`classes.${one}`)))}</dd>
        <dt>{t('agreements.ceiling')}</dt>
        <dd>{t('agreements.tlpText', { level: `TLP:${term.tlp.toUpperCase()}` })} {t('agreements.papText', { level: `PAP:${term.pap.toUpperCase()}` })}</dd>
        <dt>{t('agreements.purposes')}</dt><dd>{list(term.purposes.map((one) => t(`purposes.${one}`, { defaultValue: one })))}</dd>
        <dt>{t('agreements.onward.word')}</dt><dd>{onward} {term.originator_control && t('agreements.originatorControlText')}</dd>
      </dl>
    </>
  )
}

/** What one side may ask for in the networks of another. */
function Right({ right, number }: { right: AgreementOrders; number: number }) {
  const { t } = useTranslation()
  const side = useSideName()
  const name = useOrganisationName()
  const join = useJoin()
  const list = (words: string[]) => (words.length === 0 ? '–' : join(words))
  return (
    <>
      <p>{t('agreements.orderText', { number, by: list(right.by.map(name)), at: list(right.at.map(side)) })}</p>
      <dl className={classes.term}>
        <dt>{t('agreements.orderActions')}</dt><dd>{list(right.actions.map((one) => t(`response.actions.${one}`, { defaultValue: one })))}</dd>
        <dt>{t('agreements.orderLength')}</dt><dd>{t('agreements.orderMinutes', { text: exact(right.minutes_max) })}</dd>
      </dl>
    </>
  )
}
