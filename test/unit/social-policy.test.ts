import { describe, expect, it } from 'vitest'
import { belongsHome, mayRead, STRANGERS } from '../../src/social/policy.ts'

const timestamp = new Date('2026-01-31T12:00:00Z')
const post = { userId: 'author', visibility: 'public' as const, timestamp }
const forFollowers = { ...post, visibility: 'followers' as const }
const follower = { ...STRANGERS, follows: true }

describe('who may read a post', () => {
  it('shows a public post to everybody but the blocked', () => {
    expect(mayRead(post, 'reader', STRANGERS)).toBe(true)
    expect(mayRead(post, 'reader', { ...STRANGERS, blocked: true })).toBe(false)
    expect(mayRead(post, 'reader', { ...STRANGERS, muted: true })).toBe(true)
  })
  it('shows a post for followers to followers only', () => {
    expect(mayRead(forFollowers, 'reader', STRANGERS)).toBe(false)
    expect(mayRead(forFollowers, 'reader', follower)).toBe(true)
    expect(mayRead(forFollowers, 'reader', { ...follower, blocked: true })).toBe(false)
  })
  it('shows the author everything of his own', () => {
    expect(mayRead(forFollowers, 'author', STRANGERS)).toBe(true)
  })
})

describe('what belongs into a home timeline', () => {
  it('takes the posts of the user and of those followed', () => {
    expect(belongsHome(post, 'author', STRANGERS)).toBe(true)
    expect(belongsHome(post, 'reader', follower)).toBe(true)
    expect(belongsHome(post, 'reader', STRANGERS)).toBe(false)
  })
  it('keeps the public past of those unfollowed with it', () => {
    const until = (ms: number) => ({ ...STRANGERS, keptUntil: new Date(timestamp.getTime() + ms) })
    expect(belongsHome(post, 'reader', until(0))).toBe(true)
    expect(belongsHome(post, 'reader', until(-1))).toBe(false)
    expect(belongsHome(forFollowers, 'reader', until(1))).toBe(false)
    expect(belongsHome(post, 'reader', { ...until(1), muted: true })).toBe(false)
  })
  it('leaves out the muted and the blocked, though they are followed', () => {
    expect(belongsHome(post, 'reader', { ...follower, muted: true })).toBe(false)
    expect(belongsHome(post, 'reader', { ...follower, blocked: true })).toBe(false)
  })
})
