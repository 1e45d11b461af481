import { Button, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { useFeed, useProducts, type Product } from '../../api/finding.ts'
import { useMay } from '../../api/session.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { FindTabs } from '../../components/find-tabs.tsx'
import { Page, Section } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useLanguage } from '../../i18n.ts'
import { ObjectRow } from '../intelligence/object-row.tsx'
import classes from './feed.module.css'

/** Of what came in, what concerns us, and why. */
export default function FeedPage() {
  const { t } = useTranslation()
  const language = useLanguage()
  const feed = useFeed()
  const pages = feed.data?.pages ?? []
  const items = pages.flatMap((page) => page.items)
  const looked = pages.reduce((sum, page) => sum + page.looked_at, 0)
  return (
    <Page title={t('feedPage.title')} aside={pages[0] && <><span>{t('feedPage.looked', { count: looked })}</span><span>{t('common.asOf')} <Ago at={pages[0].as_of} /></span></>}>
      <FindTabs />
      <div className={classes.columns}>
        <div>
          {feed.error ? <ErrorNote error={feed.error} retry={() => void feed.refetch()} />
            : feed.isPending ? <Waiting />
            : items.length === 0 ? <Empty title={t('feedPage.none')}>{t('feedPage.noneHint')}</Empty>
            : (
              <ol className={classes.list}>
                {items.map(({ object, because }) => (
                  <li key={object.id}>
                    <ObjectRow object={object} />
                    <ul className={classes.why} aria-label={t('feedPage.why')}>{because.map((why) => <li key={why.en}>{why[language]}</li>)}</ul>
                  </li>
                ))}
              </ol>
            )}
          {feed.hasNextPage && <Button mt="md" size="xs" variant="default" loading={feed.isFetchingNextPage} onClick={() => void feed.fetchNextPage()}>{t('feedPage.more')}</Button>}
        </div>
        <aside aria-label={t('feedPage.products')}><Products /></aside>
      </div>
    </Page>
  )
}

const written = (product: Product) => product.cpe ?? `${product.vendor}, ${product.product}`

function read(line: string): Product {
  if (line.startsWith('cpe:')) return { vendor: '', product: '', cpe: line }
  const [vendor = '', ...rest] = line.split(/[,、，]/u)
  return rest.length === 0 ? { vendor: '', product: vendor.trim() } : { vendor: vendor.trim(), product: rest.join(',').trim() }
}

function Products() {
  const { t } = useTranslation()
  const mayWrite = useMay('write')
  const products = useProducts()
  const client = useQueryClient()
  const { say } = useToasts()
  const [text, setText] = useState<string | null>(null)
  const save = useMutation({
    mutationFn: (wanted: Product[]) => call<{ products: Product[] }>('PUT', '/api/v1/products', { products: wanted }),
    onSuccess: (kept) => {
      client.setQueryData(['products'], kept)
      void client.invalidateQueries({ queryKey: ['feed'] })
      setText(null)
      say(t('feedPage.saved'))
    },
  })
  const held = products.data?.products.map(written).join('\n') ?? ''
  const lines = (text ?? held).split('\n').map((line) => line.trim()).filter(Boolean)
  return (
    <Section title={t('feedPage.products')}>
      {products.error && <ErrorNote error={products.error} />}
      <Textarea
        autosize
        minRows={6}
        maxRows={18}
        aria-label={t('feedPage.products')}
        description={t('feedPage.productsHint')}
        readOnly={!mayWrite}
        value={text ?? held}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {save.error && <ErrorNote error={save.error} />}
      {mayWrite && <Button mt="sm" size="xs" disabled={text === null} loading={save.isPending} onClick={() => save.mutate(lines.map(read))}>{t('feedPage.save')}</Button>}
    </Section>
  )
}
