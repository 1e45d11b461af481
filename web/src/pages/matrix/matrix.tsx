import { Checkbox, SegmentedControl, Select } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link, useSearchParams } from 'react-router'

import { useMatrices, useMatrix, type Matrix, type MatrixCell } from '../../api/finding.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { FindTabs } from '../../components/find-tabs.tsx'
import { Page } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './matrix.module.css'

const COUNTS = ['actors', 'campaigns', 'software', 'sightings'] as const
type Count = (typeof COUNTS)[number]

/** Techniques by tactic, and who is known to use each. */
export default function MatrixPage() {
  const { t } = useTranslation()
  const [parameters, setParameters] = useSearchParams()
  const matrices = useMatrices()
  const known = matrices.data?.matrices ?? []
  const chain = parameters.get('chain') ?? known.find((one) => one.kill_chain === 'mitre-attack')?.kill_chain ?? known[0]?.kill_chain ?? ''
  const of = parameters.get('of') ?? ''
  const by: Count = COUNTS.find((one) => one === parameters.get('by')) ?? 'actors'
  const used = parameters.get('used') === 'yes'
  const matrix = useMatrix(chain, of)
  const set = (name: string, value: string | null) => setParameters((held) => {
    const next = new URLSearchParams(held)
    if (value === null || value === '') next.delete(name)
    else next.set(name, value)
    return next
  }, { replace: true })
  const data = matrix.data
  const error = matrices.error ?? matrix.error
  return (
    <Page title={t('matrixPage.title')} aside={data && <Aside matrix={data} />}>
      <FindTabs />
      {error ? <ErrorNote error={error} retry={() => void matrix.refetch()} />
        : matrices.isPending ? <Waiting />
        : known.length === 0 ? <Empty title={t('matrixPage.none')}>{t('matrixPage.noneHint')}</Empty>
        : (
          <>
            <div className={classes.bar}>
              <Select size="xs" w={240} allowDeselect={false} aria-label={t('matrixPage.which')} value={chain} data={known.map((one) => ({ value: one.kill_chain, label: `${one.name} (${exact(one.techniques)})` }))} onChange={(value) => set('chain', value)} />
              <SegmentedControl size="xs" aria-label={t('matrixPage.by')} value={by} onChange={(value) => set('by', value)} data={COUNTS.map((one) => ({ value: one, label: t(`matrixPage.${one}`) }))} />
              <Checkbox size="xs" label={t('matrixPage.onlyUsed')} checked={used} onChange={(event) => set('used', event.currentTarget.checked ? 'yes' : null)} />
              {of !== '' && <button type="button" className="text-link" onClick={() => { set('of', null); set('name', null) }}>{t('matrixPage.of', { name: parameters.get('name') ?? of })} ×</button>}
            </div>
            {data ? <Columns matrix={data} by={by} used={used} /> : <Waiting lines={10} />}
          </>
        )}
    </Page>
  )
}

function Aside({ matrix }: { matrix: Matrix }) {
  const { t } = useTranslation()
  return (
    <>
      <span>{t('matrixPage.covered', { covered: exact(matrix.covered), all: exact(matrix.matrix.techniques) })}</span>
      {matrix.at_least && <span>{t('matrixPage.atLeast')}</span>}
      <span>{t('common.asOf')} <Ago at={matrix.as_of} /></span>
    </>
  )
}

/** Four steps of one grey; the number stands in the cell, so that nothing is told by colour alone. */
function step(count: number, most: number): number {
  return count === 0 ? 0 : Math.min(4, 1 + Math.floor((3.999 * count) / Math.max(4, most)))
}

function Columns({ matrix, by, used }: { matrix: Matrix; by: Count; used: boolean }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const most = Math.max(1, ...matrix.columns.flatMap(({ cells }) => cells.map((cell) => cell[by])))
  const shown = (cell: MatrixCell) => !used || cell[by] > 0
  return (
    <div className={classes.scroll} role="group" tabIndex={0} aria-label={t('matrixPage.table', { name: matrix.matrix.name })}>
      {matrix.columns.map((column) => (
        <section key={column.tactic} className={classes.column} aria-label={column.name}>
          <h2>{column.name} <small>{column.cells.filter((cell) => cell[by] > 0).length}/{column.cells.length}</small></h2>
          <ul>
            {column.cells.filter(shown).map((cell) => (
              <li key={cell.id}>
                <Link to={`/intelligence/${cell.id}`} className={classes.cell} data-step={step(cell[by], most)} title={t('matrixPage.cell', { number: cell.number, name: cell.name, count: cell[by] })}>
                  <span>{inLanguage(cell.name, language)}</span>
                  <span className={classes.number}><span>{cell.number}</span>{cell[by] > 0 && <strong>{exact(cell[by])}</strong>}</span>
                </Link>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  )
}
