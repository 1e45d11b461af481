import { Skeleton } from '@mantine/core'
import { useEffect, useState } from 'react'

/** Placeholder lines, shown only when the wait is long enough to be noticed. */
export function Waiting({ lines = 5 }: { lines?: number }) {
  const [shown, setShown] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 200)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div aria-busy="true">
      {shown && Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} height={14} mt={14} width={`${88 - ((line * 17) % 40)}%`} animate={false} />
      ))}
    </div>
  )
}
