// @vitest-environment jsdom
import { expect, test } from 'vitest'

import { sortRows, tableText } from './table.tsx'

test('rows are sorted as people count and as their language orders', () => {
  const check = (values: (string | number | null)[], isDown: boolean, expected: (string | number | null)[]) =>
    expect(sortRows(values, (value) => value, isDown, 'ja')).toEqual(expected)
  check(['edge-10', 'edge-9', 'edge-1'], false, ['edge-1', 'edge-9', 'edge-10'])
  check([3, null, 1], false, [1, 3, null])
  check([3, null, 1], true, [3, 1, null])
  check(['い', 'あ'], false, ['あ', 'い'])
})

test('a table is copied as it is shown, without its buttons', () => {
  document.body.innerHTML = '<table><thead><tr><th>名前</th><th>数</th><th data-act></th></tr></thead><tbody><tr><th>第一\n  変電所</th><td>1,200</td><td data-act><button>消す</button></td></tr></tbody></table>'
  expect(tableText(document.querySelector('table')!)).toBe('名前\t数\n第一 変電所\t1,200')
})
