import { Button, Textarea } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { withdraw, type Authorisation } from '../../api/oversight.ts'
import { useSession } from '../../api/session.ts'
import { Confirm } from '../../components/confirm.tsx'
import { Section } from '../../components/page.tsx'
import { useToasts } from '../../components/toast.tsx'
import classes from './oversight.module.css'
import { mayWithdraw } from './standing.ts'

/** Whoever asked may take a request back that nobody has decided on. */
export function Withdraw({ authorisation }: { authorisation: Authorisation }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const { organisation, may } = useSession()
  const [isAsking, setAsking] = useState(false)
  const [reason, setReason] = useState('')
  const close = () => setAsking(false)
  if (!mayWithdraw(authorisation, organisation.id, may)) return null
  const run = async () => {
    const now = await withdraw(authorisation.id, reason.trim())
    client.setQueryData(['authorisations', 'one', authorisation.id], now)
    void client.invalidateQueries({ queryKey: ['authorisations', 'list'] })
    say(t('oversight.done.withdrawn'))
    close()
  }
  return (
    <div>
      <Section id="withdraw" title={t('oversight.withdraw')}>
        <p className={classes.hint}>{t('oversight.withdrawHint')}</p>
        <Textarea size="xs" mt={8} mb={8} label={t('oversight.withdrawReason')} autosize minRows={2} maxRows={8} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        <Button variant="default" size="xs" disabled={reason.trim() === ''} onClick={() => setAsking(true)}>{t('oversight.withdrawAct')}</Button>
      </Section>
      <Confirm opened={isAsking} onClose={close} title={t('oversight.withdraw')} act={t('oversight.withdrawAct')} run={run} onDone={() => {}}>
        <p>{t('oversight.withdrawText')}</p>
      </Confirm>
    </div>
  )
}
