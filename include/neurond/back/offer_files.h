#ifndef NEUROND_BACK_OFFER_FILES_H
#define NEUROND_BACK_OFFER_FILES_H

#include <functional>
#include <memory>
#include <string>

#include "neurond/mcp/offer.h"

namespace neuron {

/// What a server offers, as JSON: the results of its lists in one object. Cache hints are
/// left out: nobody may keep what is old already.
std::string offer_to_json(const Offer& offer);
/// Null for anything that offer_to_json() cannot have written.
std::shared_ptr<const Offer> offer_from_json(std::string text);

/// The files DIR/NAME.json, mode 0600: the last lists of servers that are started on
/// demand, so that they need no start to be shown.
class OfferFiles {
  public:
    /// May take as long as it likes; nobody waits for it.
    using Write = std::function<void(const std::string& path, const std::string& content)>;

    OfferFiles(std::string directory, Write write)
        : directory_(std::move(directory)), write_(std::move(write)) {}

    /// Makes the directory. Blocks: for the start.
    Status open();
    /// Null when there is none, or one that cannot be used. Blocks: for the start.
    std::shared_ptr<const Offer> load(const std::string& server) const;
    /// One over kMaxKeptOfferBytes is not kept.
    void save(const std::string& server, const Offer& offer);

  private:
    std::string path_of(const std::string& server) const;

    std::string directory_;
    Write write_;
};

}  // namespace neuron

#endif
