#ifndef NEUROND_BACK_OPENED_URLS_H
#define NEUROND_BACK_OPENED_URLS_H

#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace neuron {

/// Which session each URL was for that a server wants opened: later it says only the id
/// when one is complete (`notifications/elicitation/complete`). Keeps the latest. Pure.
class OpenedUrls {
  public:
    /// `params` of an `elicitation/create` for this party; nothing happens unless it is
    /// about a URL.
    void asked(std::string_view params, const std::string& party);
    /// `error` is the object of an answer to a call of this party: -32042 names URLs.
    void refused(std::string_view error, const std::string& party);
    /// Whose that of a notification with these params is; empty: nobody's. Forgets it.
    std::string take(std::string_view params);

  private:
    void add(std::string id, const std::string& party);

    std::deque<std::pair<std::string, std::string>> parties_;  ///< by id
};

}  // namespace neuron

#endif
