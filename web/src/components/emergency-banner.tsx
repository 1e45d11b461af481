import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useEmergencies } from '../api/identity.ts'
import { useSession } from '../api/session.ts'
import classes from './emergency-banner.module.css'
import { onNow } from './emergency.ts'
import { useScopeWords } from './emergency-scope.ts'
import { Ago } from './time.tsx'

/** Access that somebody opened in an emergency, red on every page while it is on: of one's own, and, for who reviews, of others. */
export function EmergencyBanner() {
  const { t } = useTranslation()
  const { may } = useSession()
  const words = useScopeWords()
  const known = useEmergencies(may.includes('raise-emergency') || may.includes('review-emergencies')).data?.emergencies ?? []
  return onNow(known).map((one) => (
    <div key={one.id} className={classes.banner} role="alert">
      <strong>{one.own ? t('emergencies.ownIsOn') : t('emergencies.isOn', { name: one.person_name })}</strong>
      <span>{words(one.scope)}</span>
      <span>{t('emergencies.until')} <Ago at={one.until} /></span>
      <Link to="/administration/emergencies">{t(one.own ? 'emergencies.endIt' : 'emergencies.look')}</Link>
    </div>
  ))
}
