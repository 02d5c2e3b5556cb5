/** Addresses inside the area. Ids of users hold no character that must be escaped. */
export const userAddress = (userId: string, part?: string): string =>
  part === undefined ? `/${userId}` : `/${userId}/${part}`

/** A user as another one meets him; oneself is met at home. */
export const personAddress = (as: string | undefined, userId: string): string =>
  as === undefined || as === userId ? userAddress(userId, 'posts') : `/${as}/people/${userId}`

const asQuery = (as: string | undefined) => (as === undefined ? '' : `?as=${as}`)

export const postAddress = (postId: string, as: string | undefined): string => `/posts/${postId}${asQuery(as)}`

export const tagAddress = (tag: string, as: string | undefined): string =>
  `/posts/tagged/${encodeURIComponent(tag)}${asQuery(as)}`
