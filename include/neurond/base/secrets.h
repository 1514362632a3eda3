#ifndef NEUROND_BASE_SECRETS_H
#define NEUROND_BASE_SECRETS_H

#include <string>
#include <string_view>
#include <vector>

namespace neuron {

/// What stands where a secret would.
constexpr const char* kMask = "***";

/// True for names under which secrets are kept: those that contain token, secret, passw,
/// passphrase, pwd, key, cookie, authorization or credential, or end in the word auth, in
/// any case. PWD and OLDPWD are none.
bool is_secret_name(std::string_view name);

/// From now on mask_secrets() knows this secret: whole, each line of it that is long
/// enough, and what follows the scheme where it is a header field's value ("Bearer abc…";
/// of "Basic …" the password within, too). What is
/// shorter than kMinSecretBytes is not taken: it would be found everywhere. Those that
/// were known before stay known; there is no end to a secret.
void learn_secret(std::string_view secret);

/// `text` with every known secret in it masked, as it is or as escape(), JSON or a URL
/// write it; and those of `also`, which are secret for one request only.
/// For what others have written and people will read: a server's last words, an error.
/// Never for bytes that are forwarded.
std::string mask_secrets(std::string_view text,
                         const std::vector<std::string>& also = {});

/// The same where `text` may have been cut: its end is masked, too, when a secret begins
/// there.
std::string mask_cut_secrets(std::string_view text,
                             const std::vector<std::string>& also = {});

/// A URL as anybody may see it: the values of query parameters that are called like a
/// secret are masked, and its password; of one that is `secret` as a whole only scheme and
/// host are left.
/// The result is a URL again.
std::string mask_url(std::string_view url, bool secret = false);
/// `text` with what is secret in each URL (scheme://user:password@host/?token=secret) in
/// it masked: the password, and values of the query that are called like a secret.
std::string mask_urls(std::string_view text);
/// learn_secret() for each of these.
void learn_urls(std::string_view text);
/// What of a URL nobody is to see, of such a one: learn_secret() for each.
void learn_url(std::string_view url, bool secret);

/// The same for a command's arguments: what stands in `--token=…`, or follows `--token`.
class ArgumentMask {
  public:
    /// The next argument; `secret`: the whole of it is known to be one.
    std::string next(std::string_view arg, bool secret);

  private:
    bool secret_follows_ = false;
};

}  // namespace neuron

#endif
