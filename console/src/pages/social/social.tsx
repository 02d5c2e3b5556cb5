import './social.css'
import { Link, Redirect, Route, Switch } from 'wouter'
import { Page } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import { userAddress } from './addresses.ts'
import { ChooseUser } from './choose-user.tsx'
import { Hashtag } from './hashtag.tsx'
import { Person } from './person.tsx'
import { PostPage } from './post.tsx'
import { isUserPart, User } from './user.tsx'

/** Everything social is seen as some user; posts and hashtags have addresses of their own. Ids of posts are numbers. */
export default function Social() {
  return (
    <Switch>
      <Route path="/">
        <ChooseUser />
      </Route>
      <Route path={/^\/posts\/(?<post_id>\d+)\/?$/}>
        {({ post_id }) => <PostPage key={post_id} postId={post_id!} />}
      </Route>
      <Route path="/posts/tagged/:tag">{({ tag }) => <Hashtag key={tag} tag={tag} />}</Route>
      <Route path="/:user_id/people/:other_id">
        {({ user_id, other_id }) =>
          user_id === other_id ? (
            <Redirect to={userAddress(user_id, 'posts')} replace />
          ) : (
            <Person key={`${user_id} ${other_id}`} userId={user_id} otherId={other_id} />
          )
        }
      </Route>
      <Route path="/:user_id/:part?">
        {({ user_id, part }) =>
          part === undefined || isUserPart(part) ? <User userId={user_id} part={part} /> : <NoSuchPage />
        }
      </Route>
      <Route>
        <NoSuchPage />
      </Route>
    </Switch>
  )
}

function NoSuchPage() {
  return (
    <Page title="Not found">
      <Empty title="There is no such page in Social">
        <Link href="/">Choose a user</Link>
      </Empty>
    </Page>
  )
}
