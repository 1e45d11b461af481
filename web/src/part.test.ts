// @vitest-environment jsdom
import { createElement } from 'react'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { isRenewed, part, PartMissing, tryAgain } from './part.ts'

const Page = () => createElement('p')
const away = () => Promise.reject(new TypeError('Failed to fetch dynamically imported module'))
const here = () => Promise.resolve({ default: Page })

afterEach(() => {
  document.head.replaceChildren()
  tryAgain()
})

describe('a part', () => {
  it('is fetched once, however often it is needed', async () => {
    const load = vi.fn(here)
    const one = part(load)
    await expect(Promise.all([one.fetch(), one.fetch()])).resolves.toEqual([Page, Page])
    expect(load).toHaveBeenCalledOnce()
  })

  it('that failed is not asked for again until somebody says so', async () => {
    const load = vi.fn<() => Promise<{ default: typeof Page }>>(away)
    const one = part(load)
    await expect(one.fetch()).rejects.toBeInstanceOf(PartMissing)
    load.mockImplementation(here)
    await expect(one.fetch()).rejects.toBeInstanceOf(PartMissing)
    expect(load).toHaveBeenCalledOnce()
    tryAgain()
    await expect(one.fetch()).resolves.toBe(Page)
  })

  it('comes with the sheet that did not come before', async () => {
    const link = document.createElement('link')
    link.rel = 'stylesheet'
    link.setAttribute('href', '/assets/page.css')
    document.head.append(link)
    link.dispatchEvent(new Event('error'))
    const load = vi.fn(here)
    const fetched = part(load).fetch()
    const anew = document.head.querySelector('link')
    expect(anew).not.toBe(link)
    expect(anew?.getAttribute('href')).toBe('/assets/page.css')
    expect(load).not.toHaveBeenCalled()
    anew?.dispatchEvent(new Event('load'))
    await expect(fetched).resolves.toBe(Page)
  })

  it('is missing as long as its sheet is', async () => {
    const link = document.createElement('link')
    link.rel = 'stylesheet'
    document.head.append(link)
    link.dispatchEvent(new Event('error'))
    const load = vi.fn(here)
    const one = part(load)
    const first = one.fetch()
    document.head.querySelector('link')?.dispatchEvent(new Event('error'))
    await expect(first).rejects.toBeInstanceOf(PartMissing)
    tryAgain()
    const second = one.fetch()
    document.head.querySelector('link')?.dispatchEvent(new Event('load'))
    await expect(second).resolves.toBe(Page)
    expect(load).toHaveBeenCalledOnce()
  })
})

describe('the console', () => {
  const page = (text: string, status = 200) => () => Promise.resolve(new Response(text, { status }))

  it('is renewed where the page of the hub names another program', async () => {
    await expect(isRenewed('/assets/index-a.js', page('<script src="/assets/index-b.js">'))).resolves.toBe(true)
    await expect(isRenewed('/assets/index-a.js', page('<script src="/assets/index-a.js">'))).resolves.toBe(false)
  })

  it('is not renewed where the hub does not answer, or with an error', async () => {
    await expect(isRenewed('/assets/index-a.js', page('starting', 503))).resolves.toBe(false)
    await expect(isRenewed('/assets/index-a.js', () => Promise.reject(new TypeError('away')))).resolves.toBe(false)
  })
})
