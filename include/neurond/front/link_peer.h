#ifndef NEUROND_FRONT_LINK_PEER_H
#define NEUROND_FRONT_LINK_PEER_H

#include <optional>
#include <string>

#include "neurond/base/out_queue.h"
#include "neurond/mcp/client_caps.h"
#include "neurond/mcp/door.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/identity.h"
#include "neurond/mcp/log_level.h"
#include "neurond/mcp/revision.h"
#include "neurond/mcp/view.h"

namespace neuron {

/// The client at the other end of a link: who it is, and what it has said of itself.
struct LinkPeer {
    Identity identity;
    View view;
    std::string party;  ///< of its legacy requests
    std::optional<Revision> revision{};  ///< of the handshake, once there was one
    ClientCaps caps{};                   ///< declared in that handshake
    std::optional<MessageLevel> log_level{};  ///< of servers' messages it wants
    bool initialized = false;  ///< the handshake is over
    bool ending = false;  ///< no more requests come from it, or are taken

    /// It asks as the legacy client that it has introduced itself as.
    Requester in_session() const {
        return {identity, party, caps, true, revision.value_or(Revision::k20251125)};
    }
    /// … or as `door` wants it; a modern request says for itself what its client can do.
    Requester requester(const Door& door, ClientCaps said) const {
        return door.modern() ? without_session(identity, said) : in_session();
    }
};

/// Says something to that client.
class LinkVoice {
  public:
    virtual void say(OutQueue&& message) = 0;
    /// It has more to read already than it should.
    virtual bool congested() const = 0;

  protected:
    ~LinkVoice() = default;
};

}  // namespace neuron

#endif
