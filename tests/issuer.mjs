// An OpenID provider for the tests: the certified `oidc-provider`, where anybody is whoever they say at the login form.
// Its argument is JSON {redirect_uris, slim}. It finds itself a port, and prints its address once it listens.
import http from 'node:http';
import Provider from 'oidc-provider';

const { redirect_uris, slim } = JSON.parse(process.argv[2]);

// What is typed at the form says what kind of person it is.
function person(login) {
  const claims = { sub: login, name: login.split('@')[0], picture: 'https://pictures.example/face.png' };
  if (login.startsWith('nameless.')) return claims;
  return { ...claims, email: login, email_verified: !login.startsWith('unverified.') };
}

function provider(address) {
  return new Provider(address, {
    clients: [
      {
        client_id: 'vently',
        client_secret: 'a secret of the tests',
        redirect_uris,
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    claims: { email: ['email', 'email_verified'], profile: ['name', 'picture'] },
    // slim: the ID token holds `sub` alone, and the rest has to be asked for.
    conformIdTokenClaims: Boolean(slim),
    scopes: ['openid', 'email', 'profile', 'offline_access'],
    issueRefreshToken: () => true,
    cookies: { keys: ['a key of the tests'] },
    findAccount: (_, login) => ({ accountId: login, claims: () => person(login) }),
    // Nobody is asked for consent: what the client wants is granted.
    async loadExistingGrant(ctx) {
      const { client, session } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
}

const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const address = `http://127.0.0.1:${server.address().port}`;
  server.on('request', provider(address).callback());
  console.log(address);
});
