/** Where an artifact is. */
export interface PlaceProps {
  project: string;
  repository: string;
}
