#ifndef NEUROND_MCP_SESSION_JOURNAL_H
#define NEUROND_MCP_SESSION_JOURNAL_H

#include <cstddef>
#include <string>
#include <string_view>

#include "neurond/base/fd.h"
#include "neurond/base/result.h"
#include "neurond/loop/event_loop.h"
#include "neurond/loop/helper.h"
#include "neurond/mcp/session_records.h"

namespace neuron {

/// The file of the session records. Each turn's changes are appended with one write(2)
/// before anything is answered, so that they survive the death of the reactor; a second
/// later at most the writer forces them to the medium, so that they survive a power cut.
/// When most of the file is out of date the writer replaces it.
class SessionJournal {
  public:
    SessionJournal(EventLoop& loop, Helper& writer, std::string path,
                   SessionRecords& records);

    /// Reads what earlier reactors have written, and takes down what changes from now on.
    /// A file that is damaged or cannot be read is an error. Blocks: for the start.
    Status open();

  private:
    Status read();
    Status open_file();
    void add(std::string_view line);
    void flush();
    void append(const std::string& lines);
    void replace();
    void on_replaced(bool ok, std::string_view why);
    void sync();
    void fail(const std::string& why);

    Helper& writer_;
    std::string path_;
    SessionRecords& records_;
    Fd file_;
    std::string lines_;   ///< of this turn
    std::string behind_;  ///< written since the text was taken that replaces the file
    size_t size_ = 0;     ///< of the file
    size_t base_ = 0;     ///< … when it was last rewritten, or opened
    bool replacing_ = false;
    bool broken_ = false;  ///< the file lacks something, which was logged
    Task flush_task_;
    Timer sync_timer_;
    Timer retry_timer_;
};

/// A file that a power failure has damaged must not keep the daemon down, and who has
/// logged out must not be let in again because that was lost: the file is put aside as
/// PATH.damaged, and the key of the sessions is removed, so that no id of before is good.
/// To be called before that key is loaded. Blocks: for the start.
Status mend_session_journal(const std::string& path, const std::string& key_path);

}  // namespace neuron

#endif
