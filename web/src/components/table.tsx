import { ArrowDown, ArrowUp, ChevronsUpDown } from 'lucide-react'
import { useState, type ReactNode, type RefObject } from 'react'
import { useTranslation } from 'react-i18next'

import { useLanguage } from '../i18n.ts'
import { Copy } from './copy.tsx'
import classes from './table.module.css'

export type SortValue = string | number | null

/** Rows by a value each, in the order of the language; what has no value comes last either way. */
export function sortRows<Row>(rows: readonly Row[], value: (row: Row) => SortValue, isDown: boolean, language: string): Row[] {
  const collator = new Intl.Collator(language, { numeric: true })
  const compare = (left: SortValue, right: SortValue): number => {
    if (left === null || right === null) return left === right ? 0 : left === null ? 1 : -1
    const order = typeof left === 'number' && typeof right === 'number' ? left - right : collator.compare(String(left), String(right))
    return isDown ? -order : order
  }
  return [...rows].sort((left, right) => compare(value(left), value(right)))
}

/** A table's rows in the order that its reader chose, and the heads that choose it: up, down, and as they came. */
export function useSort<Row>(rows: readonly Row[], columns: Record<string, (row: Row) => SortValue>) {
  const language = useLanguage()
  const [by, setBy] = useState<{ column: string; isDown: boolean } | null>(null)
  const value = by && columns[by.column]
  const sorted = value ? sortRows(rows, value, by.isDown, language) : [...rows]
  const turn = (column: string) => setBy((held) => (held?.column !== column ? { column, isDown: false } : held.isDown ? null : { column, isDown: true }))
  const head = (column: string, label: ReactNode, isNumber = false) => {
    const isThis = by?.column === column
    const Mark = !isThis ? ChevronsUpDown : by.isDown ? ArrowDown : ArrowUp
    return (
      <th key={column} scope="col" data-number={isNumber || undefined} aria-sort={isThis ? (by.isDown ? 'descending' : 'ascending') : 'none'}>
        <button type="button" className={classes.sort} onClick={() => turn(column)}>{label}<Mark size={13} aria-hidden className={isThis ? undefined : classes.none} /></button>
      </th>
    )
  }
  return { sorted, head }
}

/** A table as it is shown, as tab-separated values for a spreadsheet. Cells of buttons (`data-act`) are left out. */
export function tableText(table: HTMLTableElement): string {
  const cell = (one: HTMLTableCellElement) => (one.textContent ?? '').replace(/\s+/gu, ' ').trim()
  const line = (row: HTMLTableRowElement) => [...row.cells].filter((one) => !one.hasAttribute('data-act')).map(cell).join('\t')
  return [...table.rows].map(line).join('\n')
}

/** Copies a table. */
export function CopyTable({ of }: { of: RefObject<HTMLTableElement | null> }) {
  const { t } = useTranslation()
  return <Copy text={() => (of.current ? tableText(of.current) : '')} label={t('copy.table')} />
}
