import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useRuns } from '../../api/response.ts'
import { useMay } from '../../api/session.ts'
import { Section } from '../../components/page.tsx'
import { RunRows } from '../response/runs.tsx'

/** How a case is answered: the runs that it has, and the way to begin one. */
export function CaseRuns({ id, isOpen }: { id: string; isOpen: boolean }) {
  const { t } = useTranslation()
  const [mayRead, mayRun] = [useMay('read-runs'), useMay('run-playbooks')]
  const runs = useRuns(mayRead, id).data?.pages.flatMap((page) => page.runs) ?? []
  if (!mayRead) return null
  return (
    <Section id="runs" title={t('places.response')} aside={String(runs.length)}>
      {runs.length > 0 && <RunRows runs={runs} />}
      {runs.length === 0 && <p className="quiet">{t('response.noRunsOfCase')}</p>}
      {mayRun && isOpen && <p className="screen-only"><Link className="text-link" to={`/response/playbooks?case=${encodeURIComponent(id)}`}>{t('response.runForCase')}</Link></p>}
    </Section>
  )
}
