import { ActionIcon, Tooltip } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { Check, Copy as CopyIcon } from 'lucide-react'
import { useTranslation } from 'react-i18next'

/** Copies the exact text, whatever was done to it for showing; a function gives what is there when it is copied. */
export function Copy({ text, label }: { text: string | (() => string); label?: string }) {
  const { t } = useTranslation()
  const clipboard = useClipboard({ timeout: 1500 })
  const name = clipboard.copied ? t('copy.done') : (label ?? t('copy.copy'))
  return (
    <Tooltip label={name}>
      <ActionIcon variant="subtle" color="gray" size={24} aria-label={name} onClick={() => clipboard.copy(typeof text === 'string' ? text : text())}>
        {clipboard.copied ? <Check size={14} /> : <CopyIcon size={14} />}
      </ActionIcon>
    </Tooltip>
  )
}
