import { type SignedWebhook, signWebhook } from '../../src/processors/sandbox/webhook.ts'
import { expect, type Instance } from './instance.ts'
import { WEBHOOK_SECRET, type World } from './world.ts'

interface Letter {
  readonly processor: string
  readonly body: string
  /** Delivered and confirmed so often; after the first it is only a repetition. */
  confirmed: number
  isUnderWay: boolean
}

/** Webhooks on their way: late, in any order, more than once, and again until somebody confirms them. */
export function createMail(world: World) {
  const { timeline, random, sandboxes, trace } = world
  let letters: Letter[] = []

  function post(letter: Letter, to: Instance): void {
    letter.isUnderWay = true
    trace(() => `${letter.processor} posts to ${to.name}: ${letter.body.slice(0, 80)}`)
    const signed = signWebhook(letter.body, WEBHOOK_SECRET, timeline.now())
    const received = to.payments.receiveWebhook(letter.processor, { ...signed, body: Buffer.from(signed.body) })
    // Who has died confirms nothing; it is posted again after a while.
    timeline.after(30_000, () => {
      letter.isUnderWay = false
    })
    received.then(
      () => {
        letter.confirmed += 1
        letter.isUnderWay = false
      },
      (error: unknown) => {
        letter.isUnderWay = false
        expect(world, `a webhook of ${letter.processor}`, error)
      },
    )
  }

  return {
    /** Has the sandboxes do what they do of their own accord, and write what they have to tell. */
    async collect(): Promise<void> {
      for (const sandbox of sandboxes.values()) {
        await sandbox.deliverDue(async ({ body }: SignedWebhook) => {
          letters.push({ processor: sandbox.name, body, confirmed: 0, isUnderWay: false })
        })
      }
    },
    /** Posts one that waits, whichever; sometimes one that was confirmed before. */
    postOne(to: Instance): void {
      const waiting = letters.filter((letter) => !letter.isUnderWay)
      if (waiting.length === 0) return
      const letter = random.pick(waiting)
      post(letter, to)
      if (letter.confirmed > 0 && random.chance(0.5)) letters = letters.filter((each) => each !== letter)
    },
    /** Posts all that nobody has confirmed; answers how many. */
    postAll(to: Instance): number {
      const waiting = letters.filter((letter) => letter.confirmed === 0)
      for (const letter of waiting) post(letter, to)
      return waiting.length
    },
  }
}

export type Mail = ReturnType<typeof createMail>
