//! Who gets what: the status of each request, by what it shows. One number stands for all columns.

/// A config file with the servers `fake` and `other`.
pub(super) const NAMED: &str = "
                                              | documents are open                | --strict-auth
                                              | none wrong key basic jwt lim forg | none wrong key basic jwt lim forg
GET  /healthz                                 | 200                               | 200
HEAD /healthz                                 | 200                               | 200
POST /healthz                                 | 401  403   405 405   405 405 401  | 401  403   405 405   405 405 401
GET  /readyz                                  | 200                               | 200
GET  /status                                  | 401  403   200 200   200 200 401  | 401  403   200 200   200 200 401
HEAD /status                                  | 401  403   200 200   200 200 401  | 401  403   200 200   200 200 401
GET  /metrics                                 | 200                               | 401  403   200 200   200 200 401
GET  /openapi.json                            | 200                               | 401  403   200 200   200 200 401
POST /openapi.json                            | 401  403   405 405   405 405 401  | 401  403   405 405   405 405 401
GET  /docs                                    | 200                               | 401  403   200 200   200 200 401
GET  /redoc                                   | 307                               | 401  403   307 307   307 307 401
GET  /docs/start.js                           | 200                               | 401  403   200 200   200 200 401
GET  /docs/assets/swagger-ui.css              | 200                               | 401  403   200 200   200 200 401
HEAD /docs/assets/swagger-ui.css              | 200                               | 401  403   200 200   200 200 401
GET  /docs/assets/swagger-ui-bundle.js        | 200                               | 401  403   200 200   200 200 401
GET  /docs/assets/index.html                  | 404  404   404 404   404 403 404  | 401  403   404 404   404 403 401
GET  /                                        | 200                               | 401  403   200 200   200 200 401
POST /                                        | 401  403   405 405   405 405 401  | 401  403   405 405   405 405 401
GET  /docs/status.css                         | 200                               | 401  403   200 200   200 200 401
GET  /docs/status.js                          | 200                               | 401  403   200 200   200 200 401
GET  /client-metadata.json                    | 404                               | 404
GET  /oauth/callback                          | 400                               | 400
HEAD /oauth/callback                          | 405                               | 401  403   405 405   405 405 401
GET  /oauth/fake/login                        | 401  403   404 404   404 403 401  | 401  403   404 404   404 403 401
GET  /oauth/nosuch/login                      | 401  403   404 404   404 403 401  | 401  403   404 404   404 403 401
HEAD /oauth/fake/login                        | 405                               | 401  403   405 405   405 405 401
POST /oauth/fake/login                        | 401  403   405 405   405 405 401  | 401  403   405 405   405 405 401
GET  /.well-known/oauth-protected-resource    | 200                               | 200
GET  /.well-known/oauth-protected-resource/p  | 200                               | 200
GET  /.well-known/oauth-protected-resourceful | 404  404   404 404   404 403 404  | 401  403   404 404   404 403 401
GET  /fake                                    | 307  307   307 307   307 403 307  | 401  403   307 307   307 403 401
GET  /fake/                                   | 307  307   307 307   307 403 307  | 401  403   307 307   307 403 401
GET  /fake/openapi.json                       | 200  200   200 200   200 403 200  | 401  403   200 200   200 403 401
HEAD /fake/openapi.json                       | 200  200   200 200   200 403 200  | 401  403   200 200   200 403 401
PUT  /fake/openapi.json                       | 401  403   405 405   405 403 401  | 401  403   405 405   405 403 401
GET  /fake/docs                               | 200  200   200 200   200 403 200  | 401  403   200 200   200 403 401
GET  /fake/redoc                              | 307  307   307 307   307 403 307  | 401  403   307 307   307 403 401
POST /fake/call                               | 401  403   200 200   200 403 401  | 401  403   200 200   200 403 401
POST /other/call                              | 401  403   200 200   200 200 401  | 401  403   200 200   200 200 401
GET  /fake/call                               | 405  405   405 405   405 403 405  | 401  403   405 405   405 403 401
PUT  /fake/call                               | 401  403   405 405   405 403 401  | 401  403   405 405   405 403 401
DELETE /fake/call                             | 401  403   405 405   405 403 401  | 401  403   405 405   405 403 401
PATCH /fake/call                              | 401  403   405 405   405 403 401  | 401  403   405 405   405 403 401
OPTIONS /fake/call                            | 405  405   405 405   405 403 405  | 401  403   405 405   405 403 401
OPTIONS /nosuch                               | 404  404   404 404   404 403 404  | 401  403   404 404   404 403 401
POST /fake/nosuch                             | 401  403   404 404   404 403 401  | 401  403   404 404   404 403 401
POST /other/nosuch                            | 401  403   404 404   404 403 401  | 401  403   404 404   404 403 401
POST /nosuch/call                             | 401  403   404 404   404 403 401  | 401  403   404 404   404 403 401
POST /fake                                    | 401  403   404 404   404 403 401  | 401  403   404 404   404 403 401
GET  /fake/nosuch                             | 404  404   404 404   404 403 404  | 401  403   404 404   404 403 401
GET  /nosuch                                  | 404  404   404 404   404 403 404  | 401  403   404 404   404 403 401
";

/// One server after `--`; no key of its command line is limited.
pub(super) const SINGLE: &str = "
                                              | documents are open            | --strict-auth
                                              | none wrong key basic jwt forg | none wrong key basic jwt forg
GET  /healthz                                 | 200                           | 200
POST /healthz                                 | 401  403   405 405   405 401  | 401  403   405 405   405 401
GET  /readyz                                  | 200                           | 200
GET  /status                                  | 401  403   200 200   200 401  | 401  403   200 200   200 401
GET  /metrics                                 | 200                           | 401  403   200 200   200 401
GET  /openapi.json                            | 200                           | 401  403   200 200   200 401
HEAD /openapi.json                            | 200                           | 401  403   200 200   200 401
POST /openapi.json                            | 401  403   405 405   405 401  | 401  403   405 405   405 401
GET  /docs                                    | 200                           | 401  403   200 200   200 401
GET  /redoc                                   | 307                           | 401  403   307 307   307 401
GET  /docs/start.js                           | 200                           | 401  403   200 200   200 401
GET  /docs/assets/swagger-ui.css              | 200                           | 401  403   200 200   200 401
GET  /docs/assets/swagger-ui-bundle.js        | 200                           | 401  403   200 200   200 401
GET  /                                        | 200                           | 401  403   200 200   200 401
GET  /docs/status.css                         | 200                           | 401  403   200 200   200 401
GET  /docs/status.js                          | 200                           | 401  403   200 200   200 401
GET  /client-metadata.json                    | 404                           | 404
GET  /oauth/callback                          | 400                           | 400
GET  /oauth/fake/login                        | 401  403   404 404   404 401  | 401  403   404 404   404 401
GET  /.well-known/oauth-protected-resource    | 200                           | 200
GET  /.well-known/oauth-protected-resource/p  | 200                           | 200
POST /call                                    | 401  403   200 200   200 401  | 401  403   200 200   200 401
GET  /call                                    | 405                           | 401  403   405 405   405 401
PUT  /call                                    | 401  403   405 405   405 401  | 401  403   405 405   405 401
OPTIONS /call                                 | 405                           | 401  403   405 405   405 401
POST /nosuch                                  | 401  403   404 404   404 401  | 401  403   404 404   404 401
GET  /nosuch                                  | 404                           | 401  403   404 404   404 401
POST /fake/call                               | 401  403   404 404   404 401  | 401  403   404 404   404 401
";

/// The port for metrics leads to three routes and to nothing of a call, so nobody is asked there.
pub(super) const METRICS_PORT: &str = "
                                              | documents are open | --strict-auth
GET  /healthz                                 | 200                | 200
GET  /readyz                                  | 200                | 200
GET  /metrics                                 | 200                | 200
HEAD /metrics                                 | 200                | 200
POST /metrics                                 | 404                | 404
GET  /status                                  | 404                | 404
GET  /openapi.json                            | 404                | 404
GET  /docs                                    | 404                | 404
GET  /                                        | 404                | 404
GET  /oauth/callback                          | 404                | 404
GET  /oauth/fake/login                        | 404                | 404
GET  /.well-known/oauth-protected-resource    | 404                | 404
GET  /fake/openapi.json                       | 404                | 404
POST /fake/call                               | 404                | 404
OPTIONS /fake/call                            | 404                | 404
";

/// And the main port then has no metrics.
pub(super) const BESIDE_METRICS_PORT: &str = "
                                              | documents are open                | --strict-auth
                                              | none wrong key basic jwt lim forg | none wrong key basic jwt lim forg
GET  /healthz                                 | 200                               | 200
GET  /readyz                                  | 200                               | 200
GET  /metrics                                 | 404  404   404 404   404 403 404  | 401  403   404 404   404 403 401
POST /metrics                                 | 401  403   404 404   404 403 401  | 401  403   404 404   404 403 401
";
