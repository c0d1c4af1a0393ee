import { guardHeader } from "../../../api/guard";
import { Problem, problemFrom } from "../../../api/problem";

/** Sends a file as it is. Only this old way tells a page how much has gone. */
export function upload<T>(
  path: string,
  file: File,
  onProgress: (part: number) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader(...guardHeader());
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.onerror = () => reject(new Problem(0, "NETWORK", "", ""));
    request.onload = () => {
      if (request.status < 300) resolve(JSON.parse(request.responseText) as T);
      else void problemFrom(answerOf(request)).then(reject);
    };
    request.send(file);
  });
}

function answerOf(request: XMLHttpRequest): Response {
  const id = request.getResponseHeader("X-Request-Id") ?? "";
  return new Response(request.responseText, {
    status: request.status,
    statusText: request.statusText,
    headers: { "X-Request-Id": id },
  });
}
