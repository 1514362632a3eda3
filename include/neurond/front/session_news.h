#ifndef NEUROND_FRONT_SESSION_NEWS_H
#define NEUROND_FRONT_SESSION_NEWS_H

#include <utility>

#include "neurond/base/handle.h"
#include "neurond/mcp/subscriptions.h"

namespace neuron {

struct Session;

/// Where the news of a session find a stream.
class SessionNewsOwner {
  public:
    virtual void on_session_news(Handle<Session> session) = 0;

  protected:
    ~SessionNewsOwner() = default;
};

/// What a legacy session over HTTP is to be told. News wait while it has no stream.
class SessionNews final : public Subscriber {
  public:
    SessionNews(Subscriptions& hub, Requester who, const View& view,
                Handle<Session> session, SessionNewsOwner& owner)
        : Subscriber(hub, std::move(who), view, kAllLists),
          session_(session),
          owner_(owner) {}

  private:
    void on_news() override { owner_.on_session_news(session_); }

    Handle<Session> session_;
    SessionNewsOwner& owner_;
};

}  // namespace neuron

#endif
