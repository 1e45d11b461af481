import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'

import { useCampaign } from '../../api/room.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Marking } from '../../components/marking.tsx'
import { Page, Section } from '../../components/page.tsx'
import { Severity } from '../../components/severity.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useLanguage } from '../../i18n.ts'
import { caseName } from './joined.tsx'
import classes from './room.module.css'
import { useNames } from './use-room.tsx'

const NOBODY = { organisations: {}, people: {} }

/** The cases that are one incident, side by side. */
export default function CampaignPage() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { id = '' } = useParams()
  const campaign = useCampaign(id)
  const { organisation, person } = useNames(campaign.data ?? NOBODY)
  const above = <Link to={`/cases/${id}/room`} className="text-link">{t('room.title')}</Link>
  if (campaign.error) return <Page title={t('room.campaign')} above={above}><ErrorNote error={campaign.error} retry={() => void campaign.refetch()} /></Page>
  if (!campaign.data) return <Page title={t('room.campaign')} above={above}><Waiting lines={6} /></Page>
  return (
    <Page title={t('room.campaign')} above={above} aside={<><span>{t('cases.count', { count: campaign.data.cases.length })}</span><span>{t('common.asOf')} <Ago at={campaign.data.as_of} /></span></>}>
      <div className={classes.tableWrap}>
        <table className={classes.table}>
          <thead><tr>{['case', 'severity', 'commander', 'tasks', 'members'].map((one) => <th key={one} scope="col">{t(`room.column.${one}`)}</th>)}</tr></thead>
          <tbody>
            {campaign.data.cases.map(({ case: one, situation }) => (
              <tr key={one.id}>
                <td><Link className="text-link" to={`/cases/${one.id}/room`}>{caseName(one, language)}</Link> <Marking marking={one.marking} /></td>
                <td>{situation.declared ? <Severity level={situation.declared.level} wide /> : t('room.notDeclared')}</td>
                <td>{situation.commander ? person(situation.commander) : '–'}</td>
                <td>{situation.tasks.filter((task) => task.state === 'offered' || task.state === 'accepted').length}</td>
                <td>{situation.members.map(organisation).join(t('room.comma')) || '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Section title={t('room.common')} aside={String(campaign.data.common.length)}>
        {campaign.data.common.length === 0 ? <p className="quiet">{t('room.nothingCommon')}</p> : <ul>{campaign.data.common.map((one) => <li key={one}><Link className="text-link mono" to={`/intelligence/${one}`}>{one}</Link></li>)}</ul>}
      </Section>
    </Page>
  )
}
