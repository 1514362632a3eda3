#ifndef NEUROND_BACK_TOOL_LISTER_H
#define NEUROND_BACK_TOOL_LISTER_H

#include <memory>
#include <optional>
#include <string>

#include "neurond/mcp/catalog.h"

namespace neuron {

/// Puts the pages of a tools/list together. Pure; who asks for the pages is its user.
class ToolLister {
  public:
    enum class Next {
        kPage,    ///< ask for another one, with cursor()
        kDone,    ///< take_offer()
        kFailed,  ///< why()
    };

    void begin();
    /// `result`: the validated result object of a page.
    Next on_page(const Slice& result);

    const std::optional<std::string>& cursor() const noexcept { return cursor_; }
    const std::string& why() const noexcept { return why_; }
    std::shared_ptr<Offer> take_offer() { return std::move(offer_); }

  private:
    std::shared_ptr<Offer> offer_;
    std::optional<std::string> cursor_;
    unsigned pages_ = 0;
    std::string why_;
};

}  // namespace neuron

#endif
