import { Button, MultiSelect, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { useOrganisations } from '../../api/queries.ts'
import { nameOf } from '../../api/session.ts'
import type { NewOrganisation, Organisation } from '../../api/types.ts'
import { Count } from '../../components/count.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { sectorWord, sectorWords } from '../../components/sector-word.ts'
import { CopyTable, useSort } from '../../components/table.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useLanguage } from '../../i18n.ts'
import { prefectureName } from '../board/prefectures.ts'
import classes from './administration.module.css'
import { ORGANISATION_ROLES, SECTORS } from './vocabulary.ts'
import { Dialog } from '../../components/dialog.tsx'

export function Organisations() {
  const { t } = useTranslation()
  const language = useLanguage()
  const organisations = useOrganisations()
  const [adding, setAdding] = useState(false)
  const table = useRef<HTMLTableElement>(null)
  const { sorted, head } = useSort(organisations.data ?? [], {
    name: (one) => nameOf(one, language),
    id: (one) => one.id,
    role: (one) => t(`organisationRoles.${one.role}`, { defaultValue: one.role }),
    sectors: (one) => sectorWords(one.sectors, t, language),
    prefecture: (one) => one.prefecture,
  })
  if (organisations.error) return <ErrorNote error={organisations.error} retry={() => void organisations.refetch()} />
  if (!organisations.data) return <Waiting />
  return (
    <>
      <div className={classes.bar}>
        <Count count={organisations.data.length} updated={organisations.dataUpdatedAt} />
        <CopyTable of={table} />
        <Button size="xs" onClick={() => setAdding(true)}>{t('administration.addOrganisation')}</Button>
      </div>
      <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('administration.organisations')}>
        <table ref={table} className={classes.table}>
          <thead><tr>{head('name', t('administration.name'))}{head('id', t('administration.shortName'))}{head('role', t('administration.role'))}{head('sectors', t('board.sectors'))}{head('prefecture', t('board.prefecture'))}</tr></thead>
          <tbody>
            {sorted.map((one) => (
              <tr key={one.id}>
                <th scope="row">{nameOf(one, language)}</th>
                <td className="mono">{one.id}</td>
                <td>{t(`organisationRoles.${one.role}`, { defaultValue: one.role })}</td>
                <td>{sectorWords(one.sectors, t, language)}</td>
                <td>{one.prefecture === null ? '–' : prefectureName(one.prefecture, language)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Dialog opened={adding} onClose={() => setAdding(false)} title={t('administration.addOrganisation')}>
        <Form onDone={() => setAdding(false)} />
      </Dialog>
    </>
  )
}

const BLANK: NewOrganisation = { id: '', name_ja: '', name_en: '', role: 'operator', sectors: [], prefecture: null }

function Form({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const client = useQueryClient()
  const [wanted, setWanted] = useState(BLANK)
  const add = useMutation({
    mutationFn: (organisation: NewOrganisation) => call<Organisation>('POST', '/api/v1/organisations', organisation),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['organisations'] })
      onDone()
    },
  })
  const set = (part: Partial<NewOrganisation>) => setWanted({ ...wanted, ...part })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate({ ...wanted, name_ja: wanted.name_ja.trim(), name_en: wanted.name_en.trim(), sectors: wanted.role === 'operator' ? wanted.sectors : [] })
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <TextInput label={t('administration.nameJa')} required withAsterisk={false} value={wanted.name_ja} onChange={(event) => set({ name_ja: event.currentTarget.value })} />
      <TextInput label={t('administration.nameEn')} required withAsterisk={false} value={wanted.name_en} onChange={(event) => set({ name_en: event.currentTarget.value })} />
      <TextInput label={t('administration.shortName')} description={t('edges.shortNameHint')} required withAsterisk={false} pattern="[a-z0-9\-]{1,64}" value={wanted.id} onChange={(event) => set({ id: event.currentTarget.value.normalize('NFKC').toLowerCase() })} />
      <Select label={t('administration.role')} allowDeselect={false} value={wanted.role} onChange={(role) => role && set({ role })} data={ORGANISATION_ROLES.map((role) => ({ value: role, label: t(`organisationRoles.${role}`) }))} />
      {wanted.role === 'operator' && <MultiSelect label={t('board.sectors')} value={wanted.sectors} onChange={(sectors) => set({ sectors })} data={SECTORS.map((sector) => ({ value: sector, label: sectorWord(sector, t) }))} />}
      <Select label={t('board.prefecture')} searchable clearable value={wanted.prefecture === null ? null : String(wanted.prefecture)} onChange={(code) => set({ prefecture: code === null ? null : Number(code) })} data={Array.from({ length: 47 }, (_, place) => ({ value: String(place + 1), label: prefectureName(place + 1, language) }))} />
      {add.error && <ErrorNote error={add.error} />}
      <Button type="submit" loading={add.isPending}>{t('administration.add')}</Button>
    </form>
  )
}
