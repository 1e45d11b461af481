import { Button, Checkbox } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate } from 'react-router'

import { useActors } from '../../api/finding.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { FindTabs } from '../../components/find-tabs.tsx'
import { Marking } from '../../components/marking.tsx'
import { Page } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { typeWord } from '../../components/type-word.ts'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './actors.module.css'

/** Who is behind it: every actor and campaign that is known here. */
export default function ActorsPage() {
  const { t } = useTranslation()
  const language = useLanguage()
  const navigate = useNavigate()
  const actors = useActors()
  const [chosen, setChosen] = useState<string[]>([])
  const rows = actors.data?.pages.flatMap((page) => page.actors) ?? []
  const toggle = (id: string) => setChosen((held) => held.includes(id) ? held.filter((one) => one !== id) : [...held, id])
  const comparable = chosen.length >= 2 && chosen.length <= 6
  return (
    <Page
      title={t('actorsPage.title')}
      actions={<Button size="xs" disabled={!comparable} title={comparable ? undefined : t('actorsPage.choose')} onClick={() => void navigate(`/actors/compare?ids=${chosen.join(',')}`)}>{t('actorsPage.compare')}</Button>}
    >
      <FindTabs />
      {actors.error ? <ErrorNote error={actors.error} retry={() => void actors.refetch()} />
        : actors.isPending ? <Waiting />
        : rows.length === 0 ? <Empty title={t('actorsPage.none')}>{t('actorsPage.noneHint')}</Empty>
        : (
          <ol className={classes.rows}>
            {rows.map(({ object, aliases }) => (
              <li key={object.id} className={classes.row}>
                <Checkbox size="xs" aria-label={t('finding.select', { name: object.name })} checked={chosen.includes(object.id)} onChange={() => toggle(object.id)} />
                <Link to={`/actors/${object.id}`} className={classes.name}>{inLanguage(object.name, language)}</Link>
                <span className="quiet">{typeWord(object.object_type, t)}</span>
                <span className={classes.aliases}>{aliases.join(' · ')}</span>
                <Marking marking={object.marking} />
                <span className="quiet"><Ago at={object.date_added} /></span>
              </li>
            ))}
          </ol>
        )}
      {actors.hasNextPage && <Button mt="md" size="xs" variant="default" loading={actors.isFetchingNextPage} onClick={() => void actors.fetchNextPage()}>{t('actorsPage.more')}</Button>}
    </Page>
  )
}
