// How runs, steps, questions and orders stand: the hub decides it; here it only gets a tone and an order.
import { isOver, type OrderInfo, type OrderState, type PlaybookSummary, type Run, type RunState } from '../../api/response.ts'

/** What colour repeats; the word always stands beside it. */
export type Tone = 'bad' | 'warn' | 'good' | 'off' | 'plain'

const RUNS: Record<RunState, Tone> = { running: 'plain', waiting: 'warn', paused: 'warn', succeeded: 'good', failed: 'bad', cancelled: 'off' }
export const runTone = (state: RunState): Tone => RUNS[state]

/** What people see of an order: its edge's newest word, or that the edge has said nothing. */
export type OrderStanding = OrderState | 'ordered'

const ORDERS: Record<OrderStanding, Tone> = {
  ordered: 'plain', taken: 'plain', waiting: 'warn', shadow: 'plain', enforced: 'good', refused: 'bad', drifted: 'bad', failed: 'bad', released: 'off', expired: 'off',
}
export const standingOf = (order: OrderInfo): OrderStanding => order.state ?? 'ordered'
export const orderTone = (standing: OrderStanding): Tone => ORDERS[standing]
/** Whether an order has, or may yet have, an effect. */
export const isLive = (standing: OrderStanding) => !['refused', 'failed', 'released', 'expired'].includes(standing)

/** What needs a look comes first, then what holds, then what is over; within each the newest. */
const RANK: Tone[] = ['bad', 'warn', 'good', 'plain', 'off']
export function byNeed(orders: readonly OrderInfo[]): OrderInfo[] {
  const rank = (order: OrderInfo) => RANK.indexOf(orderTone(standingOf(order)))
  return orders.toSorted((one, other) => rank(one) - rank(other) || other.ordered.localeCompare(one.ordered))
}

export type StepStanding = 'untouched' | 'under_way' | 'delayed' | 'over' | 'asks' | 'task' | 'failed'

/** Where each step of the run's own playbook stands; what waits for a person is said before all else. */
export function stepStandings(run: Run): Map<string, StepStanding> {
  const standings = new Map<string, StepStanding>()
  for (const step of run.steps) if (step.playbook === run.summary.playbook) standings.set(step.step, step.state === 'delayed' || step.state === 'over' ? step.state : 'under_way')
  for (const { step, state } of run.commands) if (state === 'failed' && standings.get(step) === 'over') standings.set(step, 'failed')
  if (isOver(run.summary.state)) return standings
  for (const { step, state } of run.tasks) if (state === 'open') standings.set(step, 'task')
  for (const { step, state } of run.questions) if (state === 'open') standings.set(step, 'asks')
  return standings
}

const STEPS: Record<StepStanding, Tone> = { untouched: 'off', under_way: 'plain', delayed: 'plain', over: 'good', asks: 'warn', task: 'warn', failed: 'bad' }
export const stepTone = (standing: StepStanding): Tone => STEPS[standing]

/** Kinds of incident that our playbooks name in their labels, and the rest by what the label says. */
export const kindsOf = (playbook: PlaybookSummary) => playbook.labels.filter((label) => label !== 'yagura-library')

export type Signature = 'library' | 'signed' | 'unsigned'
export const signatureOf = (playbook: PlaybookSummary): Signature => (playbook.signers.length > 0 ? 'signed' : playbook.library ? 'library' : 'unsigned')

/** Words of a search in a playbook's name, description and labels, in both languages. */
export function matches(playbook: PlaybookSummary, text: string): boolean {
  const held = [playbook.id, playbook.name.ja, playbook.name.en, playbook.description?.ja, playbook.description?.en, ...playbook.labels, ...playbook.types].join(' ').toLowerCase()
  return text.toLowerCase().split(/\s+/u).every((word) => held.includes(word))
}
